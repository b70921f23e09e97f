"""What sections say of their rows in plain words."""
