"""Packs for a reader study: one offline page for each reader, session and arm."""
