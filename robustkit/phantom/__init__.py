"""The simulated cohort: facts, films, and its planted weaknesses."""
