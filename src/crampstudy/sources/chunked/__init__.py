"""A diary in several files, or too large to hold at once: chunks of rows whose lines still name their file."""
