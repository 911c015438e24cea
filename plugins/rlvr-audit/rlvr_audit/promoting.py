"""`rlvr audit --promote`: a rollout that was a hack becomes a case that fails the next audit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from rlvr_audit.cases import Case, read_cases, with_own_ids, write_cases
from rlvr_ops_core import DataError, Json, RunError

FORM = "write STAGE:LINE (policy:17), or FILE:LINE below the run folder; lines count from 1"


def promote(
    run: Path,
    rollout: str,
    *,
    cases: Path | None = None,
    reward: str | None = None,
    as_good: bool = False,
) -> tuple[Path, Case]:
    """Add a rollout of a run to a file of cases, as an answer of which we now know the worth.

    Args:
        run: the run folder.
        rollout: `STAGE:LINE`, a line of the stage's rollouts or answers; or `FILE:LINE`.
        cases: the file to add to; made if it is not there. Default: `audit/REWARD.jsonl`.
        reward: the reward's name; read off the rollout if it is left out.
        as_good: the answer is right and was refused, not wrong and paid.

    Raises:
        RunError: there is no such run, stage or line.
        DataError: the file of cases can't be read.
    """
    file, number = _place(run, rollout)
    row = _line(file, number)
    name = reward or _reward_of(row)
    target = cases or Path("audit") / f"{name.replace('/', '-') or 'cases'}.jsonl"
    known = read_cases(target) if target.exists() else []
    case = _case(row, run, f"{file.relative_to(run).as_posix()}:{number}", name, as_good=as_good)
    merged = _merged(known, case)
    write_cases(target, merged)
    return target, case


def _case(row: dict[str, Any], run: Path, place: str, reward: str, *, as_good: bool) -> Case:
    prompt, completion = row.get("prompt"), row.get("completion")
    if not isinstance(prompt, str) or not isinstance(completion, str):
        raise RunError(f"{run}: {place}: has no prompt and completion", hint=FORM)
    return Case(
        id=f"{run.name}/{place}",
        prompt=prompt,
        gold=row.get("gold"),
        good=(completion,) if as_good else (),
        bad=() if as_good else (completion,),
        data=row.get("data") or {},
        promoted={
            "run": run.name,
            "rollout": place,
            "task": row.get("task"),
            "reward": reward,
            "ref": row.get("ref"),
            "value": row.get("value"),
        },
    )


def _merged(known: list[Case], case: Case) -> list[Case]:
    """The cases with the new one: its data and right answers from a case of the same task."""
    for number, other in enumerate(known):
        if other.prompt == case.prompt and other.gold == case.gold:
            both = replace(
                other,
                good=tuple(dict.fromkeys([*other.good, *case.good])),
                bad=tuple(dict.fromkeys([*other.bad, *case.bad])),
                promoted=case.promoted,
            )
            return [*known[:number], both, *known[number + 1 :]]
    return with_own_ids([*known, case])


def _place(run: Path, rollout: str) -> tuple[Path, int]:
    if not run.is_dir():
        raise RunError(f"there is no run folder {run}")
    where, _, line = rollout.rpartition(":")
    if not line.isdecimal() or int(line) < 1 or not where:
        raise RunError(f"{rollout!r} names no rollout", hint=FORM)
    file = (run / where).resolve()
    if file.is_file() and file.is_relative_to(run.resolve()):
        return run / where, int(line)
    stages = sorted((run / "stages").glob("*"))
    for stage in stages:
        if where in (stage.name, stage.name.partition("-")[2]):
            files = [stage / "rollouts.jsonl", *sorted((stage / "answers").glob("*.jsonl"))]
            for one in files:
                if one.is_file():
                    return one, int(line)
    names = ", ".join(stage.name.partition("-")[2] for stage in stages) or "none"
    raise RunError(f"{run} has no rollouts of a stage {where!r}", hint=f"stages: {names}\n{FORM}")


def _line(file: Path, number: int) -> dict[str, Any]:
    with file.open(encoding="utf-8") as stream:
        for count, line in enumerate(stream, start=1):
            if count == number:
                return _parsed(line, f"{file}:{number}")
    raise RunError(f"{file} has no line {number}")


def _parsed(line: str, place: str) -> dict[str, Any]:
    try:
        row: Json = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: is no rollout")
    return row


def _reward_of(row: dict[str, Any]) -> str:
    """The reward that judged: the first one of a sum."""
    return str(row.get("ref") or "").partition("+")[0].partition("@")[0]
