"""What each verb of a pipeline does: train, evaluate, serve."""
