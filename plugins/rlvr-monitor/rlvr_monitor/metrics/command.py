"""`rlvr monitor-files`: what Prometheus and Grafana need, written into a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--target",
    "targets",
    metavar="HOST:PORT",
    multiple=True,
    help="A run's or a server's metrics. May be given several times. Default: 127.0.0.1:9464",
)
@click.option(
    "--docs", help="Where docs/monitoring.md is published, for the alerts' runbook links."
)
def monitor_files_command(folder: Path, targets: tuple[str, ...], docs: str | None) -> None:
    """Write Prometheus' configuration, rules and their tests, and a Grafana dashboard to FOLDER."""
    for file in write_files(folder, targets or ("127.0.0.1:9464",), docs=docs):
        click.echo(file)


def write_files(folder: Path, targets: tuple[str, ...], *, docs: str | None = None) -> list[Path]:
    """Write the files; gives their paths."""
    import yaml

    from rlvr_monitor.metrics.dashboard import dashboard
    from rlvr_monitor.metrics.rules import DOCS, example_file, rule_file

    rules = "rlvr-rules.yml"
    config: dict[str, Any] = {
        "global": {"scrape_interval": "15s", "evaluation_interval": "1m"},
        "rule_files": [rules],
        "scrape_configs": [{"job_name": "rlvr", "static_configs": [{"targets": list(targets)}]}],
    }
    contents = {
        "prometheus.yml": yaml.safe_dump(config, sort_keys=False),
        rules: yaml.safe_dump(rule_file(docs or DOCS), sort_keys=False, width=1000),
        "rlvr-rules-test.yml": yaml.safe_dump(example_file(rules), sort_keys=False, width=1000),
        "rlvr-dashboard.json": json.dumps(dashboard(), indent=2) + "\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in contents]
