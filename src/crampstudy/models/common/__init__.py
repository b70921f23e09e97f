"""What several families of models share: outcomes, separation and other obstacles, aggregation, distributions."""
