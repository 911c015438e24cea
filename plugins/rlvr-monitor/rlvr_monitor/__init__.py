"""Run health, drift, Prometheus, alerts, and a page to look at the rollouts of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rlvr_ops_core import Monitor, hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def rlvr_monitors() -> Mapping[str, Monitor]:
    """What watches a run: in a pipeline `use: monitor/NAME`."""
    from rlvr_monitor.health import health
    from rlvr_monitor.metrics.exporter import prometheus
    from rlvr_monitor.webhook import webhook

    return {"health": health, "prometheus": prometheus, "webhook": webhook}


@hookimpl
def rlvr_commands() -> Mapping[str, click.Command]:
    """What looks at runs and at production: `rlvr NAME`."""
    from rlvr_monitor.drift.command import drift_command
    from rlvr_monitor.metrics.command import monitor_files_command
    from rlvr_monitor.pages.command import monitor_command
    from rlvr_monitor.terminal.command import watch_command

    return {
        "drift": drift_command,
        "monitor": monitor_command,
        "monitor-files": monitor_files_command,
        "watch": watch_command,
    }
