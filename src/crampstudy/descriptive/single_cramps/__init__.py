"""Single cramps: shares of them with participants as clusters, and which of them count."""
