"""Maximisers of likelihoods, each from what a likelihood can tell of itself to one :class:`~.optimum.Optimum`."""
