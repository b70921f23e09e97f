"""The families of models of a survey's participants, one a file."""
