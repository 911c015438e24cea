"""`rlvr export`: what a trainer is given to use our rewards."""
