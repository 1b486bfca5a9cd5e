"""Features of the pixels in a box; one file, one family, all by ``_base.extract``."""
