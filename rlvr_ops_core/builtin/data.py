"""Built-in data sources (being written)."""
