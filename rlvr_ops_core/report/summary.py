"""The report as a short Markdown file, to read in a terminal or to commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rlvr_ops_core.report.answers import evenly
from rlvr_ops_core.report.comparison import IN_ALL
from rlvr_ops_core.report.estimates import estimate_rows
from rlvr_ops_core.report.metrics import Series, metric, smooth
from rlvr_ops_core.report.numbers import (
    NOTHING,
    duration,
    mean_interval,
    moment,
    number,
    percent,
    percent_interval,
)
from rlvr_ops_core.report.rows import cut
from rlvr_ops_core.report.view import StageView, View, headlines, pass_names, split_packages

BARS = "▁▂▃▄▅▆▇█"
MAX_SHOWN = 1_200
MAX_ALARMS_SHOWN = 20


def summary(view: View) -> str:
    """The whole summary as Markdown."""
    blocks = [
        *_head(view),
        *_stages(view),
        *_alarms(view),
        *(block for one in view.evaluations for block in _evaluation(one)),
        *(block for one in view.stages for block in _reward_curve(one)),
        *_estimate(view),
        *_samples(view),
        *_machine(view),
        "## Run it again",
        fenced(view.command, "sh"),
    ]
    return "\n\n".join(blocks) + "\n"


def _head(view: View) -> Iterator[str]:
    about = view.run.about
    yield f"# {plain(view.run.name)}"
    facts = [
        f"**{plain(view.run.status)}**",
        f"model {plain(about['model'])}" if about.get("model") else "",
        f"seed {plain(about.get('seed', NOTHING))}",
        f"started {moment(about.get('started'))}",
        f"took {duration(view.seconds)}" if view.seconds is not None else "",
    ]
    yield ", ".join(fact for fact in facts if fact) + "."
    if about.get("reason"):
        yield fenced(str(about["reason"]))
    for one in view.evaluations:
        for sentence, _ in headlines(one.stage.result):
            yield f"> {plain(sentence, most=600)}"


def _stages(view: View) -> Iterator[str]:
    yield "## Stages"
    yield table(
        ("stage", "what", "status", "time", "answers", "without a verdict"),
        (
            (
                one.stage.name,
                f"{one.stage.verb} {one.stage.use}".strip(),
                one.stage.status,
                duration(one.stage.seconds),
                number(one.answers.total) if one.answers.total else NOTHING,
                number(one.answers.labels["none"]) if one.answers.total else NOTHING,
            )
            for one in view.stages
        ),
    )


def _alarms(view: View) -> Iterator[str]:
    if not view.run.alarms:
        return
    yield "## Alarms"
    yield table(
        ("detector", "severity", "stage", "step", "what"),
        (
            (
                event["data"].get("detector"),
                event["data"].get("severity"),
                event.get("stage") or NOTHING,
                number(event.get("step")),
                event["data"].get("message"),
            )
            for event in view.run.alarms[:MAX_ALARMS_SHOWN]
        ),
    )


def _evaluation(one: StageView) -> Iterator[str]:
    result = one.stage.result
    names = pass_names(result)
    yield f"## Evaluation: {plain(one.stage.name)}"
    yield table(
        ("model", *names, "reward", "tokens", "truncated", "no verdict", "tasks"),
        (
            (
                model,
                *(percent_interval(block.get(name) or {}) for name in names),
                mean_interval(block.get("reward") or {}),
                number(block.get("mean_tokens")),
                percent(block.get("truncated")),
                f"{block.get('no_verdict', 0)} of {block.get('answers', 0)}",
                number(block.get("tasks")),
            )
            for model, block in result["models"].items()
        ),
    )
    data, samples = plain(result.get("data", NOTHING)), plain(result.get("samples", NOTHING))
    yield f"Data {data}, {samples} answers a task; 95% intervals over tasks."


def _estimate(view: View) -> Iterator[str]:
    rows = [row for row in estimate_rows(view) if row[0] == IN_ALL]
    if rows:
        yield "## Estimate, and what it became"
        yield table(("what", "estimated", "became", "off"), (row[1:] for row in rows))


def _reward_curve(one: StageView) -> Iterator[str]:
    reward = next((series for series in one.series if series.name == "reward"), None)
    if reward is None or not reward.values:
        return
    yield f"## Reward while training {plain(one.stage.name)}"
    yield fenced(sparkline(reward))
    places = evenly(range(len(reward.values)), 8)
    others = [
        series
        for series in one.series
        if series.name in ("completion_length", "entropy") and series.steps == reward.steps
    ]
    shown = [reward, *others]
    yield table(
        ("step", *(metric(series.name).label.lower() for series in shown)),
        ((number(reward.steps[i]), *(number(one.values[i]) for one in shown)) for i in places),
    )


def sparkline(series: Series, width: int = 48) -> str:
    """A smoothed series as one line of bars, with its range and its first and last step."""
    values = smooth(series.values)
    picked = [values[i] for i in evenly(range(len(values)), width)]
    low, high = min(picked), max(picked)
    span = (high - low) or 1.0
    bars = "".join(BARS[min(7, int((value - low) / span * 8))] for value in picked)
    return (
        f"{bars}\n{number(low)} (lowest) to {number(high)} (highest), "
        f"steps {series.steps[0]} to {series.steps[-1]}, smoothed"
    )


def _samples(view: View) -> Iterator[str]:
    having = [one for one in view.stages if one.answers.rows]
    if not having:
        return
    answers = having[-1].answers
    rows = [row for row in answers.rows if not answers.models or row["model"] == answers.models[-1]]
    chosen: list[dict[str, object]] = []
    for label in ("right", "wrong", "none", "right", "wrong"):
        seen = {row["task"] for row in chosen}
        chosen += [row for row in rows if row["label"] == label and row["task"] not in seen][:1]
    yield f"## Answers: {plain(having[-1].stage.name)}"
    for row in chosen[:3]:
        yield from _sample(row, answers.tasks[int(str(row["task"]))])


def _sample(row: dict[str, object], task: dict[str, object]) -> Iterator[str]:
    verdict = {"right": "right", "wrong": "wrong", "none": "no verdict"}[str(row["label"])]
    where = row["model"] or f"step {row['step']}"
    reason = f": {plain(row['reason'])}" if row["reason"] else ""
    yield f"**{plain(where)}**, {plain(task['id'])}, **{verdict}**{reason}"
    yield fenced(
        f"prompt     {task['prompt']}\nanswer     {cut(str(row['completion']), MAX_SHOWN)}\n"
        f"extracted  {row['extracted'] or NOTHING}\ngold       {task['gold'] or NOTHING}"
    )


def _machine(view: View) -> Iterator[str]:
    environment = view.run.environment
    if not environment:
        return
    memory = environment.get("memory_gib")
    gpus = environment.get("gpus") or ["no GPU"]
    yield "## Machine"
    facts = [
        str(environment.get("cpu") or ""),
        f"{environment['cores']} cores" if environment.get("cores") else "",
        f"{number(memory)} GiB" if memory else "",
        ", ".join(map(str, gpus)),
        str(environment.get("platform") or ""),
        f"Python {environment.get('python')}",
    ]
    yield plain(", ".join(fact for fact in facts if fact), most=600) + "."
    packages, _ = split_packages(environment)
    if packages:
        yield plain(", ".join(f"{name} {what}" for name, what in packages.items()), most=2_000)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; each cell is plain text."""
    lines = [head, ["---"] * len(head), *([plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plain(value: object, most: int = 200) -> str:
    """Text that Markdown takes for nothing but text, on one line."""
    line = " ".join(visible(str(value)).split())
    line = line if len(line) <= most else line[: most - 1] + "…"
    return re.sub(r"([\\`*_\[\]<>|#~!&])", r"\\\1", line)


def fenced(text: str, language: str = "") -> str:
    """Text in a fence that is longer than any run of backticks in it."""
    shown = visible(text)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def visible(text: str) -> str:
    """The text with control characters as visible signs: a terminal must not obey them."""
    return re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]",
        lambda found: chr(0x2400 + ord(found[0])) if found[0] < " " else "�",
        text,
    )
