"""A run in the terminal: `rlvr watch RUN`."""
