"""A study: what its file says, which files it needs, and what of it is done."""
