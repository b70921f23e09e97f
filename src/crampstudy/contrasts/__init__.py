"""Comparisons between participants: factors, the curve over age, and what another implementation says of the models."""
