"""Maximisers of likelihoods."""
