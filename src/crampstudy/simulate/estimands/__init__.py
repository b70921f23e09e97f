"""What an analysis of a simulated cohort should find: the answers that its truth implies."""
