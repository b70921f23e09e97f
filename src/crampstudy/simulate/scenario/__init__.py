"""Scenarios to simulate: the presets of the package and truth files of one's own."""
