"""Cohorts against one another, by group: ratios and differences, standardised totals, and whether groups part alike."""
