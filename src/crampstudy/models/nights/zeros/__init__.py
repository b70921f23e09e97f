"""Models with a part for zeros of its own."""
