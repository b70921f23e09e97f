"""What a term takes of a participant's other nights: person means and deviations from them, lags, means, counts."""
