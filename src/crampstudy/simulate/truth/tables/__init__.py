"""The tables of a truth: one row type and one CSV file each."""
