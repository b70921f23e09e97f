"""Claims under other specifications than the sections' own: what might have been decided otherwise, all of it."""

from crampstudy.analyses.multiverse.run import multiverse

__all__ = ["multiverse"]
