"""Searches that a rule of cleaning names: each finds in typed rows, or across tables, where its rules are broken."""
