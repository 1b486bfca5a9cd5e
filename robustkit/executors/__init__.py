"""Where the parts of a run are computed; one file, one executor."""
