"""Terms: from a formula and rows to a design matrix, its columns named, centred and scaled."""
