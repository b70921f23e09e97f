"""What is used against a cramp and what follows, each participant compared with themselves alone."""
