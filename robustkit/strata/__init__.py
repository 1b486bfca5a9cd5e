"""Facts by which a cohort is divided; one file, one stratifier."""
