"""The audit card: what was audited, with what, and what came out; and whether it allows a use.

A card is JSON (`rlvr audit REWARD --card FILE`). Its `hash` covers everything else in it, so that a
card whose findings were edited is no card any more. It is a record, not a signature: whoever can
write the file can make another card.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rlvr_audit.auditing import Report
from rlvr_audit.findings import SEVERITIES, rank
from rlvr_audit.sessions import hash_of
from rlvr_ops_core import DataError

FORMAT = 1
MUST_RUN = ("cases", "contract", "channel")
"""Families of which a card must hold at least one probe that ran or did not apply."""


@dataclass(frozen=True)
class Allowance:
    """Whether a card allows a reward to be used, and if not why."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


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


def card_hash(card: Mapping[str, Any]) -> str:
    """The hash over everything in a card but its hash."""
    rest = {name: value for name, value in card.items() if name != "hash"}
    canonical = json.dumps(rest, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_card(file: Path) -> dict[str, Any]:
    """A card from its file.

    Raises:
        DataError: the file can't be read, or is no card of this format.
    """
    hint = "make one: rlvr audit REWARD --card FILE"
    try:
        card = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: can't be read: {error}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: is no JSON: {error}", hint=hint) from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise DataError(f"{file}: is no audit card of format {FORMAT}", hint=hint)
    return card


def card_allows(
    card: Mapping[str, Any], reference: str, level: str = "critical", *, source: str = ""
) -> Allowance:
    """Whether a card allows a reward to be used where `require_audit: level` is asked.

    It does if it is whole (its hash is right), is about exactly this reward, version and options,
    ran the families that matter, was made with the packages that are installed now, and has no
    finding of `level` or above.

    Args:
        card: what `read_card` gives.
        reference: the reward's `ref`, such as `math/equal@0.1.0#ab12cd34`.
        level: low, medium, high or critical.
        source: the hash of the reward's file now (`source_hash`); "" does not compare it. A reward
            that is being worked on changes while its version stays.
    """
    if level not in SEVERITIES:
        raise ValueError(f"require_audit: {level!r} is none of {', '.join(SEVERITIES)}")
    if card.get("hash") != card_hash(card):
        return Allowance(False, "the card was changed after it was made")
    if card.get("ref") != reference:
        return Allowance(False, f"the card is for {card.get('ref')}, not for {reference}")
    if source and card.get("source") != source:
        return Allowance(False, "the reward's file was changed after the audit")
    probes = card.get("probes") or {}
    missing = [name for name in MUST_RUN if not any(one.startswith(f"{name}/") for one in probes)]
    if missing:
        return Allowance(False, f"these probes were left out: {', '.join(missing)}")
    broke = [name for name, one in probes.items() if "broke" in one.get("reason", "")]
    unfinished = [name for name, one in probes.items() if "time was up" in one.get("reason", "")]
    if broke or unfinished:
        return Allowance(False, f"these probes were not done: {', '.join(broke + unfinished)}")
    for name, seen in (card.get("packages") or {}).items():
        if (now := _version(name)) != seen:
            return Allowance(False, f"{name} was {seen} at the audit and is {now or 'gone'} now")
    if rank(str(card.get("worst"))) >= rank(level):
        bad = {name: count for name, count in card["counts"].items() if count}
        found = ", ".join(f"{count} {name}" for name, count in bad.items())
        return Allowance(False, f"the audit found {found}; {level} is not allowed")
    return Allowance(True)


def source_hash(call: object) -> str:
    """The hash of the file that defines a reward, as its card has it."""
    from rlvr_audit.sessions import source_of

    return hash_of(source_of(call)[0])


def _packages(report: Report) -> dict[str, str]:
    """The packages a verdict may depend on: the reward's distribution and what it requires."""
    from importlib.metadata import packages_distributions, requires

    module = report.info.get("module", "").partition(".")[0]
    names = set(packages_distributions().get(module, ()))
    for name in sorted(names):
        for line in requires(name) or ():
            if "extra ==" not in line:
                names.add(_name_in(line))
    found = {name: _version(name) for name in sorted(names)}
    return {name: seen for name, seen in found.items() if seen}


def _name_in(requirement: str) -> str:
    import re

    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return match[0] if match else requirement


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
