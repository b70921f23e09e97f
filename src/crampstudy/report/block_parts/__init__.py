"""What the blocks of a notebook are made of: cells of tables and drawn figures."""
