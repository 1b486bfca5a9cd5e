"""From film and boxes to the crops that a model sees; one file, one maker."""
