"""Cohorts against one another by group: ratios, differences, standardised totals, whether the groups differ alike."""
