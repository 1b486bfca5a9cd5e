"""From predictions to tables: strata, curves, errors, stability, comparisons."""
