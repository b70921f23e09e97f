"""The families of models of nights, one a file: numbers, predictive distribution, second opinion, record."""
