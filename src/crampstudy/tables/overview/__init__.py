"""Tables of a cohort as a whole: how it came into the analyses, and how these were made."""
