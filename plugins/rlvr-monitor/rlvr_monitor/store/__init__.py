"""What the page reads: runs, their numbers and every rollout in SQLite, filled from run folders.

Run folders are only ever read. The database is a cache: it can be deleted at any time. What people
said of rollouts is not in it, but in a file of its own (`labels`).
"""
