"""Sections that take long, and are made where they are asked for by name."""
