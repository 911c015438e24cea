"""Make the audit card of a report; what a card holds and when it allows a use, the core says."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from typing import Any

from rlvr_audit.auditing import Report
from rlvr_audit.findings import rank
from rlvr_ops_core.audit_card import (
    FORMAT,
    SEVERITIES,
    Allowance,
    card_allows,
    card_hash,
    installed_version,
    read_card,
    source_hash,
)

__all__ = ["Allowance", "card_allows", "card_hash", "card_of", "read_card", "source_hash"]


def card_of(report: Report) -> dict[str, Any]:
    """The card of a report."""
    counts = dict.fromkeys(SEVERITIES, 0)
    for finding in report.findings:
        counts[finding.severity] += 1
    card: dict[str, Any] = {
        "format": FORMAT,
        "kit": f"rlvr-audit {version('rlvr-audit')}",
        "reward": report.target.reference,
        "ref": report.ref,
        "options": dict(report.target.options),
        "source": report.info.get("source_hash", ""),
        "cases": {"count": len(report.cases), "hash": report.cases_hash},
        "probes": {
            result.probe: {
                "status": result.status,
                "findings": len(result.findings),
                "worst": max((one.severity for one in result.findings), key=rank, default="none"),
                **({"reason": result.reason[:200]} if result.reason else {}),
            }
            for result in report.results
        },
        "counts": counts,
        "worst": report.worst,
        "rates": {name: [rate.failed, rate.tried] for name, rate in report.rates.items()},
        "packages": _packages(report),
        "python": platform.python_version(),
        "made": report.made,
    }
    card = json.loads(json.dumps(card, default=repr))
    card["hash"] = card_hash(card)
    return card


def _packages(report: Report) -> dict[str, str]:
    """The packages a verdict may depend on: the reward's distribution and what it requires."""
    from importlib.metadata import packages_distributions, requires

    module = report.info.get("module", "").partition(".")[0]
    names = set(packages_distributions().get(module, ()))
    for name in sorted(names):
        for line in requires(name) or ():
            if "extra ==" not in line:
                names.add(_name_in(line))
    found = {name: installed_version(name) for name in sorted(names)}
    return {name: seen for name, seen in found.items() if seen}


def _name_in(requirement: str) -> str:
    import re

    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return match[0] if match else requirement
