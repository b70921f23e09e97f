"""Readers: one module a kind of source, each of which returns the tables as they stand, before any rule."""
