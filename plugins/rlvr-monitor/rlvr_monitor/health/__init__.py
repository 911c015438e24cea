"""`monitor/health`: the health of a training run, from its rollouts, verdicts and numbers."""

from rlvr_monitor.health.watching import health

__all__ = ["health"]
