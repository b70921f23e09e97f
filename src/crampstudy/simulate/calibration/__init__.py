"""Presets held against published figures: what a cohort shows, its targets, and the fit of the 30-day classes."""
