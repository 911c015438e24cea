"""`python -m rlvr_ops_core` is `rlvr`."""

from rlvr_ops_core.cli import main

main()
