"""Models of a survey's participants, under its sampling design."""
