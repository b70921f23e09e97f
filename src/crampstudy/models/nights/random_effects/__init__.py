"""Random effects of the participants."""
