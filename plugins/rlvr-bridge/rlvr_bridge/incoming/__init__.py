"""Other people's rewards as rewards of ours: each shape of function is a component."""
