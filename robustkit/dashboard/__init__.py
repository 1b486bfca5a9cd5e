"""The interactive page: runs side by side, cases, and a lesion that the model answers for."""
