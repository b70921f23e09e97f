"""How sure coefficients are: covariances, degrees of freedom, effective participants."""
