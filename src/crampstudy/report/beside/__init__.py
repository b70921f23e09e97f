"""What stands beside a report: its tables, figures, methods and references as files of their own."""

PDF, HTML, DOCX, ESTIMATES = "report.pdf", "report.html", "report.docx", "estimates.csv"
