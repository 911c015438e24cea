"""Judge a file of answers with one reward, a thousand lines at a time."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from rlvr_ops_core.errors import DataError, OptionError, PipelineError, quoted
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
        DataError: the file or a line of it can't be read, or the verdicts can't be written.
    """
    if timeout_s is not None and not 0 < timeout_s < float("inf"):
        raise OptionError(f"--timeout-s {timeout_s}: must be more than 0 seconds")
    component = Plugins.discover(files=plugins).find("reward", reward)
    try:
        bound = bind_component(component, parse_options(options), timeout_s=timeout_s)
    except OptionError as error:
        raise OptionError(f"{reward}: {error}", hint="see: rlvr plugins -v") from error
    output = output or answers.with_name(f"{answers.name}.verdicts.jsonl")
    if output.resolve() == answers.resolve():
        raise OptionError(f"--output {output}: would overwrite the answers")
    summary = Summary(reward, output)
    columns = {"completion": completion, "answer": answer, "prompt": prompt, "group": group}
    samples = read_samples(answers, columns, needs_group=bound.judges == "group")
    with Engine(bound, workers=workers) as engine, _written(output) as stream:
        for chunk in chunks(samples, is_grouped=bound.judges == "group"):
            for sample, verdict in zip(chunk, engine.score(chunk), strict=True):
                stream.write(json_line(rollout_row(sample, verdict, None)))
                summary.add(verdict)
        if summary.count == 0:
            raise DataError(f"{answers} holds no answer to judge")
    return summary


@contextmanager
def _written(output: Path) -> Iterator[IO[str]]:
    """A file to write to that appears when all is written, and not at all after a failure."""
    partial = output.with_name(f".{output.name}.partial")
    if output.is_dir():
        raise DataError(f"{output} is a folder", hint="name the file: --output FILE")
    try:
        stream = partial.open("w", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{output} can't be written: {error.strerror}") from error
    try:
        with stream:
            yield stream
        partial.replace(output)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def chunks(
    samples: Iterator[Sample], *, is_grouped: bool, size: int = LINES_AT_ONCE
) -> Iterator[list[Sample]]:
    """The samples in lists of `size`; a list with groups goes on to the end of its last group.

    Raises:
        DataError: a group goes on after other lines, so that it would be judged in two halves.
    """
    done: set[str | None] = set()
    chunk: list[Sample] = []
    for sample in samples:
        if is_grouped and sample.group in done:
            what = f"{sample.task.source}: the answers of group {quoted(sample.group or '')}"
            raise DataError(f"{what} do not stand together", hint="sort the file by its groups")
        is_whole = not is_grouped or not chunk or chunk[-1].group != sample.group
        if is_grouped and chunk and is_whole:
            done.add(chunk[-1].group)
        if len(chunk) >= size and is_whole:
            yield chunk
            chunk = []
        chunk.append(sample)
    if chunk:
        yield chunk


def read_samples(
    file: Path, columns: Mapping[str, str], *, needs_group: bool = False
) -> Iterator[Sample]:
    """The samples in a JSONL file (`.gz` too).

    Raises:
        DataError: the file can't be read, or a line is no object or lacks what is needed.
    """
    number = 0
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    row = _row(line, f"{file}:{number}")
                    yield _sample(row, columns, f"{file}:{number}", number, needs_group)
    except (OSError, EOFError, zlib.error) as error:  # the latter two: a torn or foreign .gz
        place = f"{file}:{number + 1}" if number else f"{file}"
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{place}: can't be read: {reason}") from error


def _row(line: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: is no UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: is no JSON: {error}", hint="write one object a line") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: must be an object", hint='such as {"completion": "42"}')
    return row


def _sample(
    row: dict[str, Any], columns: Mapping[str, str], place: str, number: int, needs_group: bool
) -> Sample:
    names = ", ".join(map(quoted, row))[:300]
    completion, group = row.get(columns["completion"]), row.get(columns["group"])
    if not _is_text_or_messages(completion):
        what = f"{place}: has no text or messages in {quoted(columns['completion'])}"
        hint = f"it has {names or 'nothing'}; name the right column with --completion"
        raise DataError(what, hint=hint)
    if needs_group and group is None:
        what = f"{place}: has no group in {quoted(columns['group'])}, and the reward judges groups"
        hint = f"it has {names}; name the column that answers to one prompt share with --group"
        raise DataError(what, hint=hint)
    prompt = row.get(columns["prompt"], "")
    if not _is_text_or_messages(prompt):
        prompt = json.dumps(prompt, ensure_ascii=False)
    task = Task(
        id=str(row.get("id", row.get("task", number))),
        prompt=prompt,
        answer=row.get(columns["answer"]),
        data={key: value for key, value in row.items() if key not in columns.values()},
        source=place.rpartition(":")[0],
    )
    return Sample(task, row[columns["completion"]], group=None if group is None else str(group))


def _is_text_or_messages(value: Any) -> bool:
    is_messages = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return isinstance(value, str) or is_messages


def parse_options(options: Sequence[str]) -> dict[str, Any]:
    """`["limit=5"]` as `{"limit": 5}`; a value is read as YAML.

    Raises:
        OptionError: an option is not of the form NAME=VALUE.
    """
    from rlvr_ops_core.source import parse_document

    parsed = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals or not name:
            raise OptionError(f"--option {option}: is not of the form NAME=VALUE")
        try:
            parsed[name] = parse_document(text, "").value if text.strip() else None
        except PipelineError as error:
            reason = error.mistakes[0].what
            raise OptionError(f"--option {option}: {reason}; put it in quotes") from error
    return parsed
