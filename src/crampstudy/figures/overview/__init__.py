"""Figures of a cohort as a whole: how it came into the analyses, and what they showed together."""
