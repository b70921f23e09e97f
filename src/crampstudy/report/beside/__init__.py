"""What stands beside a report: its tables, figures, methods and references as files of their own."""
