"""Where programs run: each backend starts sandboxes that speak the same protocol."""
