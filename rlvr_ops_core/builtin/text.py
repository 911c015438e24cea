"""Built-in rewards on text (being written)."""
