"""An audit's report for people and machines: terminal, HTML, JSON, JUnit, SARIF, card."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rlvr_audit.auditing import Report


def write_outputs(report: Report, files: Mapping[str, Any]) -> Iterator[Path]:
    """Write each output that has a file; gives the files."""
    from rlvr_audit.card import card_of
    from rlvr_audit.outputs.html import html_of
    from rlvr_audit.outputs.junit import junit_of
    from rlvr_audit.outputs.sarif import sarif_of

    makers: dict[str, Callable[[Report], str]] = {
        "html": html_of,
        "json_file": lambda one: as_text(report_json(one)),
        "junit": junit_of,
        "sarif": lambda one: as_text(sarif_of(one)),
        "card": lambda one: as_text(card_of(one)),
    }
    for name, make in makers.items():
        file = files.get(name)
        if file is not None:
            written(Path(file), make(report))
            yield Path(file)


def written(file: Path, text: str) -> None:
    """Write a text by way of a temporary name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    partial.replace(file)


def as_text(value: object) -> str:
    """JSON for a file: readable, ASCII."""
    return json.dumps(value, indent=1, ensure_ascii=True, default=repr) + "\n"


def report_json(report: Report) -> dict[str, Any]:
    """Everything in a report."""
    info = {k: v for k, v in report.info.items() if k not in ("source", "cases", "outside")}
    return {
        "reward": report.target.reference,
        "ref": report.ref,
        "options": dict(report.target.options),
        "shape": report.shape,
        "kind": report.kind,
        "worst": report.worst,
        "cases": {
            "from": report.cases_from,
            "count": len(report.cases),
            "hash": report.cases_hash,
        },
        "rates": {name: asdict(rate) for name, rate in report.rates.items()},
        "findings": [asdict(finding) for finding in report.findings],
        "probes": [asdict(result) for result in report.results],
        "broken": dict(report.broken),
        "info": info,
        "seconds": report.seconds,
        "made": report.made,
    }
