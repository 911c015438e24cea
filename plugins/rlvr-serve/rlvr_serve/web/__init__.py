"""What every server of ours shares: the door that requests come through, and the way to stop."""
