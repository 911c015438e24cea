"""What Prometheus sees of a run, and the rules and the dashboard that use it."""
