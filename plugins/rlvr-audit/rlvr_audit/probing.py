"""What a probe is, how it is declared, and where the installed ones are found.

A probe is a function `f(bench) -> Iterable[Finding]`, declared with `@probe(…)`. Packages offer
theirs by an entry point in the group `rlvr_audit_probes`: its name is the family, its value a
module that has a mapping `PROBES` of names to probes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TypeAlias

from rlvr_audit.bench import Bench, Kind
from rlvr_audit.findings import Finding, Severity
from rlvr_ops_core import PluginError

GROUP = "rlvr_audit_probes"
Run: TypeAlias = Callable[[Bench], Iterable[Finding]]
ALL_KINDS: tuple[Kind, ...] = ("answer", "code", "judge", "shape")


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A declared probe."""

    name: str
    """`family/name`; the family is added when it is found."""
    about: str
    """One line: what a sound reward does."""
    severity: Severity
    """The worst that it can find."""
    run: Run
    kinds: tuple[Kind, ...] = ALL_KINDS
    needs_levels: bool = False
    """It needs cases in which the reward tells right from wrong."""
    needs_slot: bool = False
    """It needs to know where in an answer the gold stands."""
    batched_only: bool = False
    always: bool = False
    """It runs, in short, even when the audit's time is up."""

    def not_for(self, bench: Bench) -> str:
        """Why the probe does not apply to a reward; "" if it does."""
        if bench.kind not in self.kinds:
            return f"not for rewards of kind {bench.kind}"
        if self.batched_only and not bench.info["batched"]:
            return "the reward judges one answer a call"
        if self.needs_levels and not bench.usable:
            return "no case in which the reward pays a right answer more than a wrong one"
        if self.needs_slot and not any(bench.slots[case.id] for case in bench.usable):
            return "the gold stands in none of the known right answers"
        return ""


def probe(
    *,
    about: str,
    severity: Severity,
    kinds: tuple[Kind, ...] = ALL_KINDS,
    needs_levels: bool = False,
    needs_slot: bool = False,
    batched_only: bool = False,
    always: bool = False,
) -> Callable[[Run], Probe]:
    """Declare a probe; see `Probe` for each field.

    Example:
        >>> from rlvr_audit import Ask, Finding, probe
        >>> @probe(about="swearing is not paid", severity="high", needs_levels=True)
        ... def swearing(bench):
        ...     for case in bench.usable:
        ...         (outcome,) = bench.judge([Ask(case, "damn")])
        ...         if bench.is_paid(case, outcome):
        ...             yield Finding(probe="", severity="high", what="pays swearing")
        >>> PROBES = {"swearing": swearing}
    """

    def declare(run: Run) -> Probe:
        return Probe(
            name=getattr(run, "__name__", "probe"),
            about=about,
            severity=severity,
            run=run,
            kinds=kinds,
            needs_levels=needs_levels,
            needs_slot=needs_slot,
            batched_only=batched_only,
            always=always,
        )

    return declare


def installed_probes() -> tuple[dict[str, Probe], dict[str, str]]:
    """All probes by full name, and what is wrong with packages whose probes can't be used."""
    from importlib.metadata import entry_points

    probes: dict[str, Probe] = {}
    broken: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value)):
        try:
            found = probes_of(point.name, point.load())
            taken = sorted(found.keys() & probes.keys() - _same(found, probes))
            if taken:
                raise PluginError(f"{', '.join(taken)} is there twice")
            probes |= found
        except Exception as error:  # noqa: BLE001  # a package's import: record and report
            broken[point.name] = f"{point.value}: {type(error).__name__}: {error}"
    return probes, broken


def _same(found: Mapping[str, Probe], probes: Mapping[str, Probe]) -> set[str]:
    """Names under which the very same probe is there: a package whose metadata is found twice."""
    return {name for name in found if name in probes and found[name].run is probes[name].run}


def probes_of(family: str, module: object) -> dict[str, Probe]:
    """The probes that a module offers, by full name.

    Raises:
        PluginError: it has no mapping `PROBES`, or something in it is no probe.
    """
    mapping = module if isinstance(module, Mapping) else getattr(module, "PROBES", None)
    if not isinstance(mapping, Mapping):
        raise PluginError("has no mapping PROBES of names to probes")
    for name, one in mapping.items():
        if not isinstance(one, Probe):
            raise PluginError(f"PROBES[{name!r}] is no probe; write @probe(…) above it")
    from dataclasses import replace

    return {
        f"{family}/{name}": replace(one, name=f"{family}/{name}") for name, one in mapping.items()
    }


def in_order(probes: Iterable[Probe], kind: Kind) -> list[Probe]:
    """What matters most for this kind first, and last those that wait for deadlines."""
    first = ("cases", "execution") if kind == "code" else ("cases",)
    last = "infrastructure"
    return sorted(
        probes, key=lambda one: (one.name.startswith(last), not one.name.startswith(first))
    )


def selected(probes: Mapping[str, Probe], only: Iterable[str], skip: Iterable[str]) -> list[Probe]:
    """The probes that match a pattern of `only` (all without any) and none of `skip`.

    Raises:
        PluginError: a pattern matches no probe.
    """
    only, skip = tuple(only), tuple(skip)
    for pattern in (*only, *skip):
        if not any(fnmatch(name, pattern) for name in probes):
            raise PluginError(f"no probe is called {pattern!r}", hint="see: rlvr audit --list")
    return [
        one
        for name, one in probes.items()
        if (not only or any(fnmatch(name, pattern) for pattern in only))
        and not any(fnmatch(name, pattern) for pattern in skip)
    ]
