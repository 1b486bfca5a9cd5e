"""Annotation formats that become a manifest; one file, one format."""
