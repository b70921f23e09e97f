"""Reports made again: whether they come out the same, and what moved between two of them."""
