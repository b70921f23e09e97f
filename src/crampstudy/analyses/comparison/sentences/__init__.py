"""What the parts of a comparison say of their rows."""
