"""Contrasts of what participants are and have."""
