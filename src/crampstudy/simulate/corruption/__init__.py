"""What goes wrong between a night and its row: gaps, lost samples and injected errors, all on record."""
