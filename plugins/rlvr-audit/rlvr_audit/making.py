"""`rlvr audit --init`: cases from a data source, and answers that the reward itself tells apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rlvr_audit import thresholds
from rlvr_audit.cases import Case, write_cases
from rlvr_audit.process import Ended, RewardProcess
from rlvr_audit.slots import Slot, gold_texts, wrong_answers
from rlvr_audit.target import Target
from rlvr_ops_core import DataError, Task

FORMS = (
    "So the answer is \\boxed{{{}}}",
    "#### {}",
    "<think>Let me see.</think>\n<answer>{}</answer>",
    "<answer>{}</answer>",
    "Answer: {}",
    "The answer is {}.",
    "{}",
)
"""Forms that tasks ask for. The first in which the gold gets more than a wrong answer is taken."""


def make_cases(
    reward: str,
    data: str,
    *,
    file: Path,
    options: Mapping[str, Any] | None = None,
    data_options: Mapping[str, Any] | None = None,
    limit: int = 12,
    plugin_files: Sequence[Path] = (),
) -> int:
    """Write cases of a data source's tasks to a file; gives how many.

    A right answer is the gold in the form that the reward pays (or the task's `reference`
    program), wrong ones are other values in the same form. They are a start: look at them, and add
    answers of your models.

    Raises:
        PluginError: there is no such reward or data source.
        DataError: no task's gold is paid in any form that is known here.
    """
    paths = tuple(str(Path(one).resolve()) for one in plugin_files)
    target = Target(reference=reward, options=dict(options or {}), plugin_files=paths)
    tasks = _tasks(data, data_options or {}, limit, paths)
    process = RewardProcess(target)
    try:
        process.ready()
        cases = [case for task in tasks if (case := _case(task, tasks, process)) is not None]
    finally:
        process.close()
    if not cases:
        what = f"{reward} pays the gold of none of {len(tasks)} tasks of {data} in a known form"
        raise DataError(what, hint="write the cases yourself: prompt, gold, good, bad")
    write_cases(file, cases)
    return len(cases)


def _tasks(data: str, options: Mapping[str, Any], limit: int, files: tuple[str, ...]) -> list[Task]:
    from rlvr_ops_core.options import bind, known_options, resolve
    from rlvr_ops_core.plugins import Plugins

    component = Plugins.discover(files=[Path(file) for file in files]).find("data source", data)
    given = dict(options)
    if "limit" in known_options(component.call):
        given.setdefault("limit", limit)
    source = bind(component.call, resolve(component.call, given))
    tasks = list(islice(source(), limit))
    if not tasks:
        raise DataError(f"{data} gives no task")
    return tasks


def _case(task: Task, tasks: Sequence[Task], process: RewardProcess) -> Case | None:
    plain = Case(
        id=task.id, prompt=task.prompt_text, gold=task.answer, data={**task.data}, good=("?",)
    )
    others = [
        Case(id=one.id, prompt=one.prompt_text, gold=one.answer) for one in tasks if one is not task
    ]
    for right, wrong in _answers(plain, others):
        values = _values(process, plain, [right, *wrong])
        good, bad = values[0], values[1:]
        if good is not None and all(value is not None and value < good for value in bad):
            return Case(
                id=plain.id,
                prompt=plain.prompt,
                gold=plain.gold,
                data=plain.data,
                good=(right,),
                bad=tuple(wrong),
            )
    return None


def _answers(case: Case, others: Sequence[Case]) -> list[tuple[str, list[str]]]:
    reference = case.data.get("reference")
    if isinstance(reference, str) and reference.strip():
        fence = "```python\n{}\n```"
        return [(fence.format(reference), [fence.format("pass"), "I don't know."])]
    found = []
    for gold in gold_texts(case.gold):
        wrong = wrong_answers(case, Slot("", gold, "", 0), others, 2)
        for form in FORMS:
            filled = [form.format(text) for text in (gold, *wrong)]
            found.append((filled[0], [*filled[1:], "I don't know."]))
    return found


def _values(process: RewardProcess, case: Case, texts: list[str]) -> list[float | None]:
    row = {"id": case.id, "prompt": case.prompt, "gold": case.gold, "data": dict(case.data)}
    calls = [[{**row, "completion": text, "group": case.id, "index": 0}] for text in texts]
    values: list[float | None] = []
    try:
        for reply in process.session({"op": "judge", "calls": calls}, 5 * thresholds.DEADLINE_S):
            values.append(reply["results"][0]["value"])
    except Ended:
        pass
    return values + [None] * (len(texts) - len(values))
