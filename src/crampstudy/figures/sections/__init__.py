"""Figures that one section has for its own."""
