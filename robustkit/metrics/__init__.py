"""Metrics as plain functions of labels and scores; one file, one metric."""
