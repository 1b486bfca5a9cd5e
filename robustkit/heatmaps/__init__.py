"""Heatmap methods: where on a crop a network's answer comes from."""
