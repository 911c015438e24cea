"""The page to look at runs and their rollouts: `rlvr monitor`."""
