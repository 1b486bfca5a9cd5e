"""A lesion that the model answers for: film, box, score and maps of how far the decision holds."""
