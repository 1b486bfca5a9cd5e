"""Plan, pipeline and parts: from cases and models to predictions."""
