"""Films of every kind to one grey channel."""
