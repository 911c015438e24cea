"""The embedded engine: continuous batching on a transformers model, each row with its settings."""
