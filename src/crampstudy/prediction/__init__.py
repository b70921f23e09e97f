"""What a diary foretells: tomorrow night's cramps, and a new participant's rate, against simple rules."""
