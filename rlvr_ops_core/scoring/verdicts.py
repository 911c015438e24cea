"""Turn whatever a reward did into a verdict. A failure is never a zero."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Real
from typing import Any

from rlvr_ops_core.reward_spec import RewardSpec
from rlvr_ops_core.types import Part, Score, Status, Verdict

NOT_REPORTED: Mapping[str, Part] = {}
NO_INFO: Mapping[str, Any] = {}
STOPPED = "stopped: nobody waits for this verdict any more"


def settle(raw: object, spec: RewardSpec, ref: str, seconds: float = 0.0) -> Verdict:
    """The verdict for what a reward returned.

    A number in the declared range or a bool is `ok`, None abstains; NaN, infinity, a value out of
    range and every other type are errors.
    """
    kind = type(raw)
    if kind is float or kind is bool or kind is int:
        return _of_number(raw, spec, ref, seconds)  # type: ignore[arg-type]  # checked by kind
    if raw is None:
        parts = _parts(NO_INFO, spec) if spec.components else NOT_REPORTED
        return Verdict(None, "abstain", parts, NO_INFO, seconds, ref)
    if isinstance(raw, Score):
        return _of_score(raw, spec, ref, seconds)
    if isinstance(raw, Real):  # numpy's numbers
        return _of_number(raw, spec, ref, seconds)
    return failure(
        f"a reward returns a number, a bool, None or a Score, not {_shown(raw)}",
        ref=ref,
        seconds=seconds,
    )


def _of_number(raw: Real | float, spec: RewardSpec, ref: str, seconds: float) -> Verdict:
    try:
        value = float(raw)
    except OverflowError:
        return failure(f"the number {_shown(raw)} is too large", ref=ref, seconds=seconds)
    low, high = spec.range
    if low <= value <= high:  # false for NaN
        parts = _parts(NO_INFO, spec) if spec.components else NOT_REPORTED
        return Verdict(value, "ok", parts, NO_INFO, seconds, ref)
    return failure(_out_of_range(value, spec), ref=ref, seconds=seconds)


def _of_score(score: Score, spec: RewardSpec, ref: str, seconds: float) -> Verdict:
    value, info = score.value, score.info
    is_plain = type(value) is float and type(info) is dict and not score.components
    if is_plain and not spec.components and spec.range[0] <= value <= spec.range[1]:  # type: ignore[operator]
        return Verdict(value, "ok", NOT_REPORTED, info, seconds, ref)  # the usual case, quickly
    if not isinstance(score.components, Mapping) or not isinstance(score.info, Mapping):
        what = "Score.components and Score.info must be mappings"
        return failure(what, ref=ref, seconds=seconds)
    for name, part in score.components.items():
        if part is not None and not (isinstance(part, Real) and isfinite(part)):
            what = f"component {name!r} must be a finite number, not {_shown(part)}"
            return failure(what, ref=ref, seconds=seconds)
    if spec.components and not set(score.components) <= set(spec.components):
        extra = sorted(set(score.components) - set(spec.components))
        what = f"components {extra} are not declared; @reward(components=…) names them all"
        return failure(what, ref=ref, seconds=seconds)
    verdict = settle(score.value, spec, ref, seconds)
    if isinstance(score.value, Score):
        return failure("Score.value must not be a Score", ref=ref, seconds=seconds)
    info = {**score.info, **verdict.info}
    return Verdict(
        verdict.value, verdict.status, _parts(score.components, spec), info, seconds, ref
    )


def _parts(components: Mapping[str, Any], spec: RewardSpec) -> dict[str, Part]:
    """The reported parts; every declared name is there, so that logs never have ragged keys."""
    parts = {name: Part(None) for name in spec.components}
    for name, part in components.items():
        parts[name] = Part(None if part is None else float(part))
    return parts


def settle_many(
    raw: object, count: int, spec: RewardSpec, ref: str, seconds: float
) -> list[Verdict]:
    """The verdicts for what a reward of a batch or a group returned; the time is shared evenly."""
    share = seconds / max(count, 1)
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        tolist = getattr(raw, "tolist", None)  # an array or a tensor
        raw = tolist() if callable(tolist) else raw
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        what = f"a reward of several answers returns a list, not {_shown(raw)}"
        return [failure(what, ref=ref, seconds=share)] * count
    if len(raw) != count:
        what = f"{len(raw)} results for {count} samples"
        return [failure(what, ref=ref, seconds=share)] * count
    return [settle(one, spec, ref, share) for one in raw]


def failure(what: str, *, ref: str, seconds: float = 0.0, status: Status = "error") -> Verdict:
    """A verdict without a value, that says why."""
    return Verdict(None, status, NOT_REPORTED, {"error": what}, seconds, ref)


def raised(error: BaseException, *, ref: str, seconds: float) -> Verdict:
    """The verdict for a reward that raised, with the end of its traceback."""
    lines = traceback.format_exception(type(error), error, error.__traceback__, limit=-6)
    info = {"error": f"{type(error).__name__}: {error}"[:2000], "traceback": "".join(lines)[-8000:]}
    return Verdict(None, "error", NOT_REPORTED, info, seconds, ref)


def timed_out(timeout_s: float, *, ref: str, seconds: float) -> Verdict:
    """The verdict for a reward that was stopped at its deadline."""
    return failure(
        f"over its deadline of {timeout_s:g} s", ref=ref, seconds=seconds, status="timeout"
    )


def _out_of_range(value: float, spec: RewardSpec) -> str:
    low, high = spec.range
    return (
        f"{value!r} is outside the declared range [{low:g}, {high:g}]; "
        "declare another with @reward(range=…)"
    )


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001  # a reward may return an object whose repr raises
        text = f"(its repr raises {type(error).__name__})"
    return f"{type(value).__name__} {text[:80]}"
