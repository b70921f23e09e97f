"""One module for each section of the report: its question, how each kind of cohort answers it, and its parts."""
