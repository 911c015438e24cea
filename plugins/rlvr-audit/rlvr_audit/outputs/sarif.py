"""The report as SARIF 2.1.0, which code scanning on GitHub and in editors reads."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rlvr_audit.auditing import Report
from rlvr_audit.findings import Finding
from rlvr_audit.outputs.junit import told

LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.0", "low": "2.0"}
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_of(report: Report) -> dict[str, Any]:
    """One run; a rule a probe, a result a finding, at the reward's file."""
    rules = [
        {
            "id": result.probe,
            "shortDescription": {"text": result.about},
            "properties": {"tags": ["rlvr", result.probe.partition("/")[0]]},
        }
        for result in report.results
    ]
    places = {result.probe: index for index, result in enumerate(report.results)}
    driver = {
        "name": "rlvr-audit",
        "version": version("rlvr-audit"),
        "rules": rules,
    }
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "results": [_result(report, one, places[one.probe]) for one in report.findings],
                "invocations": [{"executionSuccessful": True, "endTimeUtc": _utc(report.made)}],
                "properties": {"reward": report.ref, "worst": report.worst},
            }
        ],
    }


def _result(report: Report, one: Finding, rule: int) -> dict[str, Any]:
    key = f"{report.target.reference}|{one.probe}|{one.variant}|{one.severity}"
    return {
        "ruleId": one.probe,
        "ruleIndex": rule,
        "level": LEVELS[one.severity],
        "message": {"text": told(one).encode(errors="backslashreplace").decode()},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(report)},
                    "region": {"startLine": int(report.info.get("line") or 1)},
                }
            }
        ],
        "partialFingerprints": {"rlvrAudit/v1": hashlib.sha256(key.encode()).hexdigest()[:32]},
        "properties": {"severity": one.severity, "security-severity": SCORES[one.severity]},
    }


def _uri(report: Report) -> str:
    """The reward's file below the working folder; absolute if it lies elsewhere."""
    from urllib.parse import quote

    file = Path(report.info.get("file") or f"{report.target.reference}.py")
    if file.is_absolute() and file.is_relative_to(Path.cwd()):
        file = file.relative_to(Path.cwd())
    return file.as_uri() if file.is_absolute() else quote(file.as_posix())


def _utc(made: str) -> str:
    return made.replace("+00:00", "Z")
