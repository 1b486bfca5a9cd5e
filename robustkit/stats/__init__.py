"""Intervals and tests on plain arrays; patients are the unit of resampling."""
