"""The parts of an Excel workbook as a reader needs them: the open file, a sheet with its header, cells as text."""
