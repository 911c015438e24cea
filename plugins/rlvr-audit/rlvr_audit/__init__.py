"""The test kit for rewards: conformance checks and attacks for any reward.

`rlvr audit REWARD` on the command line, `audit(REWARD)` from Python, the `rlvr_audit` fixture in
pytest. Probes of your own: see `probe`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rlvr_ops_core import hookimpl

if TYPE_CHECKING:
    import click

    from rlvr_audit.auditing import Report, audit
    from rlvr_audit.bench import Ask, Bench, Outcome
    from rlvr_audit.card import card_allows, card_of, read_card
    from rlvr_audit.cases import Case, read_cases
    from rlvr_audit.findings import Finding
    from rlvr_audit.probing import Probe, probe

__all__ = [
    "Ask",
    "Bench",
    "Case",
    "Finding",
    "Outcome",
    "Probe",
    "Report",
    "audit",
    "card_allows",
    "card_of",
    "probe",
    "read_card",
    "read_cases",
]

_HOMES = {
    "Ask": "bench",
    "Bench": "bench",
    "Case": "cases",
    "Finding": "findings",
    "Outcome": "bench",
    "Probe": "probing",
    "Report": "auditing",
    "audit": "auditing",
    "card_allows": "card",
    "card_of": "card",
    "probe": "probing",
    "read_card": "card",
    "read_cases": "cases",
}


def __getattr__(name: str) -> Any:
    """The public names, each loaded when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


@hookimpl
def rlvr_commands() -> Mapping[str, click.Command]:
    """The command `rlvr audit`."""
    from rlvr_audit.command import audit_command

    return {"audit": audit_command}
