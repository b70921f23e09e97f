"""Sections about the other sections: what they showed together, and how they were made."""
