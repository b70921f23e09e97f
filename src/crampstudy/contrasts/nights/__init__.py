"""Contrasts of what changes from night to night, within and between participants."""
