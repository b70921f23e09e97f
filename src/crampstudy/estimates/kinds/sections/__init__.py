"""Kinds of results that one section of the report has for its own."""
