"""Manifests, their schema and the vocabularies, installed with the package."""
