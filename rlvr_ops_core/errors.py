"""What can go wrong, as a tree.

RlvrError                  a user's mistake or a stopped run: printed without a traceback
├── PluginError            a plugin, or something asked of one, is not there or does not load
├── OptionError            an option is wrong: of a component, or on the command line
├── PipelineError          a pipeline file has mistakes: all of them, each with file and line
├── DataError              a data source can't read its data, or a row of it is unusable
├── RewardLoadError        a reward can't be set up in a worker process
├── ModelError             a model can't be loaded or saved
├── RunError               a run folder can't be used as asked
├── ErrorBudgetExceeded    too many samples got no verdict
└── StopRun                a monitor ended the run
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rlvr_ops_core.types import Sample, Verdict


Place: TypeAlias = tuple[str | int, ...]
"""Where in a structure something is: `("stages", 2, "samples")`."""


class RlvrError(Exception):
    """A mistake that the user can mend: where, what, and what to do.

    Args:
        what: one line that says where and what.
        hint: what to do about it; further lines, may be empty.
    """

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """So that an error with arguments of its own reaches another process whole."""
        return _as_it_was, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        indented = "".join(f"\n  {line}" for line in self.hint.splitlines())
        return self.what + indented


def _as_it_was(kind: type[RlvrError], args: tuple[Any, ...], fields: dict[str, Any]) -> RlvrError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(fields)
    return error


class PluginError(RlvrError):
    """A plugin, or something asked of one, is not there or does not load."""


class OptionError(RlvrError):
    """An option is wrong: of a component, or on the command line."""


class DataError(RlvrError):
    """A data source can't read its data, or a row of it is unusable."""


class RewardLoadError(RlvrError):
    """A reward can't be set up in a worker process."""


class ModelError(RlvrError):
    """A model can't be loaded or saved."""


class RunError(RlvrError):
    """A run folder can't be used as asked."""


class StopRun(RlvrError):
    """Raised by a monitor to end the run; the reason goes into the run folder."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in a pipeline file: where, what, what to do."""

    file: str
    line: int
    """1-based; 0 if the file has no such line."""
    path: str
    """The place in the file's own terms: `stages.2.samples`."""
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        path = f"{self.path}: " if self.path else ""
        first, *more = [*f"{place}{path}{self.what}".split("\n"), *self.hint.splitlines()]
        return "".join([printable(first), *(f"\n  {printable(line)}" for line in more)])


class PipelineError(RlvrError):
    """A pipeline file has mistakes: all of them, each with file and line."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


class ErrorBudgetExceeded(RlvrError):
    """Too many samples got no verdict: the reward is broken, not the model.

    `rows` are the offending samples with their verdicts, newest last.
    """

    def __init__(self, what: str, *, hint: str, rows: Sequence[tuple[Sample, Verdict]]) -> None:
        super().__init__(what, hint=hint)
        self.rows = tuple(rows)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """`did you mean "exact"?` for the nearest known name, or an empty string."""
    near = get_close_matches(name[:200], known, n=1, cutoff=0.6)
    return f"did you mean {quoted(near[0])}?" if near else ""


def printable(text: str) -> str:
    """The text on one line; what a terminal would obey or hide is written as an escape."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def quoted(name: str, *, limit: int = 60) -> str:
    """A name that somebody wrote, in quotes, printable and cut to `limit` characters."""
    return f'"{printable(cut(name, limit=limit))}"'


def cut(text: str, *, limit: int = 60) -> str:
    """At most `limit` characters of a text; an ellipsis says where it goes on."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
