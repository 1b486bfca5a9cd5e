"""Plotly figures from tables; one file, one figure."""
