"""The rewards of a pipeline: each entry, its gates, and what waits for what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rlvr_ops_core.check.reading import Reading, texts_in
from rlvr_ops_core.errors import Place, PluginError, cut, printable
from rlvr_ops_core.explain import shorten
from rlvr_ops_core.plan import PlannedReward
from rlvr_ops_core.reward_spec import judges
from rlvr_ops_core.schema import RewardEntry, SumEntry


def read_reward(reading: Reading, name: str, entry: Any) -> PlannedReward:
    """An entry under `rewards`: a reward of its own, or a sum of others.

    An unsound one is given as well, as far as it can be read, so that circles are found.
    """
    place = ("rewards", name)
    if isinstance(entry, Mapping) and "sum" in entry:
        return _read_sum(reading, name, entry)
    single = reading.validate(RewardEntry, entry, place)
    bound = reading.bind("reward", entry, RewardEntry, place)
    gates = _read_gates(reading, entry, place)
    if bound is not None:
        try:
            judges(bound.component.call)
        except PluginError as error:
            reading.note((*place, "use"), error.what, error.hint)
    if single is None:
        return PlannedReward(name, only_if=gates)
    return PlannedReward(
        name=name,
        bound=bound,
        timeout_s=single.timeout_s,
        weight=single.weight,
        only_if=gates,
        optional=single.optional,
    )


def _read_sum(reading: Reading, name: str, entry: Mapping[str, Any]) -> PlannedReward:
    place = ("rewards", name)
    gates = _read_gates(reading, entry, place)
    members = tuple(member for _, member in texts_in(entry["sum"]))
    if "use" in entry:
        reading.note(place, 'has both "use" and "sum"', "make each an entry of its own")
        return PlannedReward(name, members=members, only_if=gates)
    group = reading.validate(SumEntry, entry, place, word="key")
    return PlannedReward(
        name=name,
        members=members,
        weight=group.weight if group else 1.0,
        only_if=gates,
        optional=group is not None and group.optional,
    )


def _read_gates(reading: Reading, entry: Any, place: Place) -> dict[str, float]:
    only_if = entry.get("only_if") if isinstance(entry, Mapping) else None
    match only_if:
        case None:
            return {}
        case str():
            return {only_if: 0.0}
        case list() if all(isinstance(name, str) for name in only_if):
            return dict.fromkeys(only_if, 0.0)
        case dict() if all(_is_number(least) for least in only_if.values()):
            return {name: float(least) for name, least in only_if.items()}
    form = "must be a reward's name, a list of them, or a mapping of name to least value"
    reading.note((*place, "only_if"), f"{form} (got {shorten(only_if)})")
    return {}


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def check_references(reading: Reading, rewards: Mapping[str, PlannedReward]) -> None:
    """Every gate and member is a reward of this file, and no reward waits for itself."""
    known = reading.names("rewards")
    seen: set[str] = set()
    for name in rewards:
        entry = reading.section("rewards")[name]
        for field in ("only_if", "sum"):
            written = entry.get(field) if isinstance(entry, Mapping) else None
            gates = [((gate,), gate) for gate in written] if isinstance(written, Mapping) else []
            for where, other in gates or texts_in(written):
                reading.check_name("reward", other, known, ("rewards", name, field, *where))
        circle = _circle(name, rewards)
        if circle and not seen.issuperset(circle):
            seen.update(circle)
            way = cut(" -> ".join(map(printable, [name, *circle])), limit=200)
            hint = "take one of them out of only_if or sum"
            reading.note(("rewards", name), f"waits for itself: {way}", hint)


def _circle(name: str, rewards: Mapping[str, PlannedReward]) -> list[str]:
    """The shortest way from a reward back to itself, without its start; empty if there is none."""
    ways: dict[str, list[str]] = {name: []}
    waiting = [name]
    while waiting:
        at = waiting.pop(0)
        reward = rewards.get(at)
        for other in (*reward.only_if, *reward.members) if reward else ():
            if other == name:
                return [*ways[at], name]
            if other not in ways:
                ways[other] = [*ways[at], other]
                waiting.append(other)
    return []
