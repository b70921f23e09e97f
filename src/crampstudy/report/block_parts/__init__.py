"""What the blocks of a notebook are made of: cells of tables, drawn figures, abbreviations that a note explains."""
