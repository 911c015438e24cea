"""The audit card: what `rlvr audit REWARD --card FILE` writes, and whether it allows a use.

The core reads cards and needs no auditor for that. A card is a JSON object:

    format    1
    ref       `plugin/name@version#options`: which reward
    source    the hash of the file that defines the reward
    kit       the auditor and its version: "rlvr-audit 0.1.0"
    probes    {family/name: {status, reason?, worst}}
    counts    {severity: how many findings}
    worst     the worst severity found; "none" without a finding
    packages  {distribution: version} that the verdicts depend on
    hash      over everything else in it

A card whose findings were edited is no card any more; but it is a record, not a signature: whoever
can write the file can make another card.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlvr_ops_core.errors import DataError

FORMAT = 1
SEVERITIES = ("low", "medium", "high", "critical")
MUST_RUN = ("cases", "contract", "channel")
"""Families of which a card must hold at least one probe that ran or did not apply."""


@dataclass(frozen=True)
class Allowance:
    """Whether a card allows a reward to be used, and if not why."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


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
    ran the families that matter, was made with the auditor and the packages that are installed
    now, and has no finding of `level` or above.

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
    undone = _undone(card) or _outdated(card)
    if undone:
        return Allowance(False, undone)
    if SEVERITIES.index(level) <= _rank(card.get("worst")):
        bad = {name: count for name, count in card["counts"].items() if count}
        found = ", ".join(f"{count} {name}" for name, count in bad.items())
        return Allowance(False, f"the audit found {found}; {level} is not allowed")
    return Allowance(True)


def _undone(card: Mapping[str, Any]) -> str:
    """What the audit left out; "" if nothing that matters."""
    probes = card.get("probes") or {}
    missing = [name for name in MUST_RUN if not any(one.startswith(f"{name}/") for one in probes)]
    if missing:
        return f"these probes were left out: {', '.join(missing)}"
    broke = [name for name, one in probes.items() if "broke" in one.get("reason", "")]
    unfinished = [name for name, one in probes.items() if "time was up" in one.get("reason", "")]
    return f"these probes were not done: {', '.join(broke + unfinished)}" * bool(broke + unfinished)


def _outdated(card: Mapping[str, Any]) -> str:
    """What changed since the audit; "" if nothing did. An auditor that is gone did not change."""
    kit, _, seen = str(card.get("kit", "")).partition(" ")
    now = installed_version(kit)
    if now and now != seen:
        return f"{kit} was {seen} at the audit and is {now} now: its probes may have changed"
    for name, before in (card.get("packages") or {}).items():
        if (now := installed_version(name)) != before:
            return f"{name} was {before} at the audit and is {now or 'gone'} now"
    return ""


def _rank(severity: object) -> int:
    """Higher is worse; -1 for none. What is no severity counts as the worst."""
    if severity == "none":
        return -1
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def card_hash(card: Mapping[str, Any]) -> str:
    """The hash over everything in a card but its hash."""
    rest = {name: value for name, value in card.items() if name != "hash"}
    canonical = json.dumps(rest, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def source_hash(call: Any) -> str:
    """Sixteen hex digits that change when the file that defines a reward does."""
    return hash_of(source_of(call)[0])


def hash_of(source: str) -> str:
    """Sixteen hex digits that change when a source does."""
    return hashlib.sha256(source.encode(errors="replace")).hexdigest()[:16]


def source_of(call: Any) -> tuple[str, str, Any]:
    """The text of the module that defines a reward, its file, and the function or class itself."""
    owner = call if inspect.isroutine(call) or isinstance(call, type) else type(call)
    try:
        file = inspect.getsourcefile(owner) or ""
        return Path(file).read_text(encoding="utf-8", errors="replace"), file, owner
    except (OSError, TypeError):
        return "", "", owner


def installed_version(name: str) -> str:
    """The version of an installed distribution; "" if it is not there."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except (PackageNotFoundError, ValueError):  # an empty name is a ValueError
        return ""
