"""Cohorts against one another by group: ratios and differences, standardised totals, whether the groups differ alike."""
