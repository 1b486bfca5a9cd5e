"""Ways in which a box (or a film) may differ; one file, one perturbation."""
