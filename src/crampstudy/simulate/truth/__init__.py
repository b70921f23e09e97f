"""The truth that a cohort is drawn from: parameters, tables, the causal graph and the checks that bind them."""
