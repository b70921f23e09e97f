"""What stands in text: encodings, delimiters, dates, decimal marks, codes of missing values; one module each."""
