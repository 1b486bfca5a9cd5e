"""Fine-tuning a network on the boxes of a manifest."""
