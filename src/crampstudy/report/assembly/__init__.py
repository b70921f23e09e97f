"""How a document is put together of what notebooks show: of one cohort, or of several that are compared."""
