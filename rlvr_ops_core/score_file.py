"""Judge a file of answers with one reward, a thousand lines at a time."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from rlvr_ops_core.errors import DataError, OptionError
from rlvr_ops_core.plugins import Plugins
from rlvr_ops_core.runs import json_line, rollout_row
from rlvr_ops_core.scoring import Engine, bind_component
from rlvr_ops_core.types import Sample, Task, Verdict

LINES_AT_ONCE = 1000


@dataclass
class Summary:
    """What the verdicts of a file come to."""

    reward: str
    output: Path
    count: int = 0
    total: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict) -> None:
        """Count one verdict."""
        self.count += 1
        self.statuses[verdict.status] += 1
        self.total += verdict.value or 0.0
        if verdict.failed:
            self.reasons[verdict.reason.partition("\n")[0][:100]] += 1

    def lines(self) -> list[str]:
        """For a terminal: the mean, the statuses, the most frequent failures."""
        judged = self.statuses["ok"]
        mean = f"{self.total / judged:.4f}" if judged else "none"
        counts = ", ".join(f"{status} {count:,}" for status, count in sorted(self.statuses.items()))
        first = f"{self.reward}: mean reward {mean} over {judged:,} judged answers ({counts})"
        return [first, *(f"  {count:,} x {what}" for what, count in self.reasons.most_common(5))]


def score_file(
    reward: str,
    answers: Path,
    *,
    output: Path | None = None,
    options: Sequence[str] = (),
    completion: str = "completion",
    answer: str = "answer",
    prompt: str = "prompt",
    group: str = "group",
    timeout_s: float | None = None,
    workers: int | None = None,
    plugins: Sequence[Path] = (),
) -> Summary:
    """Write one verdict a line beside the answers; the lines keep their order.

    Raises:
        PluginError: there is no such reward.
        OptionError: an option is wrong.
        DataError: the file or a line of it can't be read.
    """
    component = Plugins.discover(files=plugins).find("reward", reward)
    bound = bind_component(component, parse_options(options), timeout_s=timeout_s)
    summary = Summary(reward, output or answers.with_name(f"{answers.name}.verdicts.jsonl"))
    partial = summary.output.with_name(f".{summary.output.name}.partial")
    columns = {"completion": completion, "answer": answer, "prompt": prompt, "group": group}
    samples = read_samples(answers, columns)
    with Engine(bound, workers=workers) as engine, partial.open("w", encoding="utf-8") as stream:
        while chunk := list(islice(samples, LINES_AT_ONCE)):
            for sample, verdict in zip(chunk, engine.score(chunk), strict=True):
                stream.write(json_line(rollout_row(sample, verdict, None)))
                summary.add(verdict)
    partial.replace(summary.output)
    return summary


def read_samples(file: Path, columns: Mapping[str, str]) -> Iterator[Sample]:
    """The samples in a JSONL file (`.gz` too).

    Raises:
        DataError: the file is missing, or a line is no object or lacks the completion.
    """
    with _open(file) as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield _sample(_row(line, file, number), columns, file, number)


def _open(file: Path) -> IO[str]:
    try:
        if file.suffix == ".gz":
            return gzip.open(file, "rt", encoding="utf-8")
        return file.open(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{file} can't be read: {error.strerror}") from error


def _row(line: str, file: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{file}:{number}: is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{file}:{number}: must be an object", hint='such as {"completion": "42"}')
    return row


def _sample(row: dict[str, Any], columns: Mapping[str, str], file: Path, number: int) -> Sample:
    name = columns["completion"]
    if not isinstance(row.get(name), str | list):
        hint = f"its columns are {', '.join(row)}; name the right one with --completion"
        raise DataError(f'{file}:{number}: has no text or messages in "{name}"', hint=hint)
    task = Task(
        id=str(row.get("id", row.get("task", number))),
        prompt=row.get(columns["prompt"], ""),
        answer=row.get(columns["answer"]),
        data={key: value for key, value in row.items() if key not in columns.values()},
        source=str(file),
    )
    group = row.get(columns["group"])
    return Sample(task, row[name], group=None if group is None else str(group))


def parse_options(options: Sequence[str]) -> dict[str, Any]:
    """`["limit=5"]` as `{"limit": 5}`; a value is read as YAML.

    Raises:
        OptionError: an option is not of the form NAME=VALUE.
    """
    import yaml

    from rlvr_ops_core.source import Loader

    parsed = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            raise OptionError(f"--option {option}: is not of the form NAME=VALUE")
        try:
            parsed[name] = yaml.load(text, Loader)  # a SafeLoader of our own
        except yaml.YAMLError as error:
            raise OptionError(f"--option {option}: {text!r} is no YAML value") from error
    return parsed
