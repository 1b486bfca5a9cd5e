"""Any model file to one Classifier; one file, one kind of file."""
