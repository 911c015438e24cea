"""`rlvr drift`: a file of rollouts against another, with an exit code."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rlvr_monitor.drift.comparing import Comparison

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("reference", type=FILE)
@click.argument("live", type=FILE)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.05,
    show_default=True,
    help="How often windows without drift may be told apart.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--textfile", type=FILE, help="Write metrics for Prometheus' node exporter.")
@click.pass_context
def drift_command(
    context: click.Context,
    reference: Path,
    live: Path,
    alpha: float,
    as_json: bool,
    textfile: Path | None,
) -> None:
    """Compare LIVE rollouts with REFERENCE ones; exit code 1 if they have drifted.

    Both are JSON Lines as the core writes them: a stage's rollouts.jsonl, answers/MODEL.jsonl, or
    what `rlvr score --output` wrote.
    """
    from rlvr_monitor.drift.comparing import compare_windows
    from rlvr_monitor.drift.window import read_window

    found = compare_windows(read_window(reference), read_window(live), alpha=alpha)
    if textfile is not None:
        write_metrics(found, textfile)
    click.echo(json.dumps(found.as_json(), indent=2) if as_json else table(found))
    context.exit(1 if found.drifted else 0)


def table(found: Comparison) -> str:
    """For people."""
    lines = [
        (
            f"{'signal':18} {'of':9} {'reference':>10} {'live':>10} {'p':>8}  "
            f"{'PSI (critical)':16} drift"
        )
    ]
    for shift in found.shifts:
        psi = f"{shift.psi:.3f} ({shift.psi_critical:.3f})" if shift.psi is not None else ""
        lines.append(
            f"{shift.signal:18} {shift.kind:9} {shift.reference:10.4g} {shift.live:10.4g} "
            f"{shift.p_value:8.4f}  {psi:16} {'yes' if shift.drifted else 'no'}"
        )
    lines += found.sequential
    lines.append(
        f"{found.reference} groups of answers against {found.live}, {found.shared_tasks} tasks in "
        f"both; false discoveries held to {found.alpha:g}"
    )
    lines.append(found.cause)
    return "\n".join(lines)


def write_metrics(found: Comparison, file: Path) -> None:
    """The comparison in Prometheus' text format, whole or not at all."""
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    alarm = Gauge(
        "rlvr_drift_alarm", "1 if drifted.", ["signal", "detector", "kind"], registry=registry
    )
    p_value = Gauge("rlvr_drift_pvalue", "p-value.", ["signal", "detector"], registry=registry)
    size = Gauge("rlvr_drift_window_samples", "Groups.", ["window"], registry=registry)
    when = Gauge("rlvr_drift_last_check_timestamp_seconds", "When.", registry=registry)
    for shift in found.shifts:
        alarm.labels(shift.signal, shift.detector, shift.kind).set(shift.drifted)
        p_value.labels(shift.signal, shift.detector).set(shift.p_value)
    size.labels("reference").set(found.reference)
    size.labels("live").set(found.live)
    when.set(time.time())
    write_to_textfile(str(file), registry)
