"""Public sets of programming tasks, with their tests."""
