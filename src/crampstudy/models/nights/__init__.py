"""Models of person-nights: counts, odds and numbers of a night."""
