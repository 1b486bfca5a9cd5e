"""Kinds of written models; one file, one kind."""
