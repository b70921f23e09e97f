"""From coefficients to tidy rows: ratios and differences, their units, and what a model has beside them."""
