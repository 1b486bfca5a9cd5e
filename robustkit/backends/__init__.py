"""Ways to run a network forward; one file, one backend."""
