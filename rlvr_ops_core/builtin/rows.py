"""From the rows of a table to tasks: the options that `data/jsonl` and `data/hub` share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from rlvr_ops_core.errors import DataError, OptionError, did_you_mean
from rlvr_ops_core.types import Json, Message, Task

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")


@dataclass(frozen=True)
class Row:
    """One row: its values by column, where it stands, and a name for it."""

    values: Mapping[str, Json]
    place: str
    """`file:line`, or whatever leads a person to the row."""
    name: str


@dataclass(frozen=True, kw_only=True)
class RowSource:
    """Which columns make a task, and how the prompt is built from them.

    Every column that is not prompt, answer or id goes into the task's `data`.
    """

    split: str = "train"
    """Which part of the data: `train`, `test` …"""
    limit: int | None = None
    """At most so many tasks, from the start."""
    prompt: str = "prompt"
    """The column with the prompt: a text, or chat messages. Not read if there is a template."""
    answer: str | None = "answer"
    """The column with the gold answer, of any JSON type; null if there is none."""
    id: str | None = None
    """The column that names each row; without one, tasks are numbered."""
    template: str | None = None
    """Build the prompt: `{column}` becomes the row's value; `{{` and `}}` are braces."""
    system: str | None = None
    """A system message before the prompt, which thereby becomes chat messages."""
    chat: bool = False
    """Make a prompt that is text one user message, so it goes through the chat template."""
    keep: list[str] | None = None
    """The further columns that go into `data`; all of them by default."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise OptionError(f"limit: must be at least 0 (got {self.limit})")

    def tasks(self, rows: Iterable[Row], *, source: str) -> Iterator[Task]:
        """One task a row, in order.

        Raises:
            DataError: a row lacks a column, or a value can't be used as what it is mapped to.
        """
        seen: set[str] = set()
        for row in islice(rows, self.limit):
            name = row.name if self.id is None else _identifier(row, self.id)
            if name in seen:
                raise DataError(
                    f'{row.place}: the id "{name}" is there twice',
                    hint="map id to a column that names each row, or leave it out",
                )
            seen.add(name)
            answer = None if self.answer is None else _value(row, self.answer, "answer")
            yield Task(name, self._prompt(row), answer, self._data(row), source)

    @property
    def mapped_columns(self) -> set[str]:
        """The columns that are read for prompt, answer and id."""
        prompts = columns_of(self.template) if self.template is not None else {self.prompt}
        return prompts | {name for name in (self.answer, self.id) if name is not None}

    def _prompt(self, row: Row) -> str | list[Message]:
        if self.template is not None:
            prompt: str | list[Message] = filled(self.template, row)
        else:
            prompt = _prompt_value(row, self.prompt)
        if isinstance(prompt, str):
            if self.system is None and not self.chat:
                return prompt
            prompt = [{"role": "user", "content": prompt}]
        if self.system is None:
            return prompt
        if prompt[0]["role"] == "system":
            raise DataError(
                f"{row.place}: the prompt has a system message of its own",
                hint="leave out the option system",
            )
        return [{"role": "system", "content": self.system}, *prompt]

    def _data(self, row: Row) -> dict[str, Json]:
        if self.keep is not None:
            return {name: _value(row, name, "keep") for name in self.keep}
        used = {self.answer, self.id, self.prompt if self.template is None else None}
        return {name: value for name, value in row.values.items() if name not in used}


def columns_of(template: str) -> set[str]:
    """The columns that a template names."""
    return {name for name in PLACEHOLDER.findall(template) if name}


def filled(template: str, row: Row) -> str:
    """The template with the row's values in it.

    A value is put in as it is: braces in the data mean nothing, as they would to `str.format`.
    Null becomes an empty text; what is no text is written as JSON.
    """

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return match.group()[0]
        value = _value(row, name, "template", hint="write {{ and }} for braces")
        if isinstance(value, str):
            return value
        return "" if value is None else json.dumps(value, ensure_ascii=False)

    return PLACEHOLDER.sub(replace, template)


def _value(row: Row, column: str, option: str, *, hint: str = "") -> Json:
    try:
        return row.values[column]
    except KeyError:
        names = list(row.values)
        lines = [
            did_you_mean(column, names),
            f"columns: {', '.join(names) or 'none'}",
            hint or (f"set {option}: null if there is none" if option == "answer" else ""),
        ]
        raise DataError(
            f'{row.place}: no column "{column}", which the option {option} names',
            hint="\n".join(line for line in lines if line),
        ) from None


def _identifier(row: Row, column: str) -> str:
    value = _value(row, column, "id")
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise DataError(f'{row.place}: the id in "{column}" must be text or a number ({value!r})')
    return str(value)


def _prompt_value(row: Row, column: str) -> str | list[Message]:
    value = _value(row, column, "prompt")
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(map(_is_message, value)):
        return value
    raise DataError(
        f'{row.place}: the prompt in "{column}" is {type(value).__name__}',
        hint='it must be text, or messages: [{"role": "user", "content": "…"}]; '
        "build text from other columns with the option template",
    )


def _is_message(value: Json) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("role"), str) and "content" in value
