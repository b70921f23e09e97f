"""The annual cycle of cramps."""
