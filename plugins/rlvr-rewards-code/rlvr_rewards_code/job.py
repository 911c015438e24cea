"""What goes into a sandbox and what comes out: one program with its tests, and how that went."""

from __future__ import annotations

from dataclasses import dataclass

from rlvr_rewards_code.backends.sandbox import Setup
from rlvr_rewards_code.limits import Limits


@dataclass(frozen=True, kw_only=True)
class FunctionTests:
    """Test code that calls the program."""

    tests: str | tuple[str, ...]
    """One text, or one statement each; see `jail/collect.py` for the shapes."""
    entry: str = ""
    """The function that `check(candidate)` is given."""
    names: tuple[str, ...] = ()
    """Names that the program must define; empty: read off the tests."""
    setup: str = ""
    reference: str = ""
    """A program that passes: its helpers serve the tests, its running time scales the limits."""
    module: str = "solution"
    """What tests import the program as."""
    plan: bool = True


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a script reads, and what it should write."""

    given: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class ScriptTests:
    """Cases for a program that reads standard input and writes standard output."""

    cases: tuple[Case, ...]
    how: str = "lines"
    """How output is compared; see `jail/compare.py`."""
    tolerance: float = 1e-6
    checker: str = ""
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A program to judge. Equal jobs have equal outcomes."""

    program: str
    tests: FunctionTests | ScriptTests
    limits: Limits
    setup: Setup
    share: bool = False
    """Run every test, for partial credit; else stop at the first failure."""


@dataclass(frozen=True)
class Row:
    """How one test went. `share` is 1 for passed, 0 for failed; a checker may say in between."""

    name: str
    share: float
    reason: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a program did."""

    rows: tuple[Row, ...] = ()
    missing: int = 0
    """Tests that were not run any more."""
    reason: str = ""
    """Why it failed; "" if it passed."""
    limit: str = ""
    """Which limit was hit: `cpu`, `wall`, `memory`, `output` …; "" if none."""
    unusable: str = ""
    """Why the task's own tests can't judge anything."""
    cpu_s: float = 0.0
    memory_mb: float = 0.0
    calls: int = 0
    printed: str = ""

    @property
    def passed(self) -> bool:
        """Every test was run and passed, and asked the program something."""
        return not (self.reason or self.unusable or self.missing) and bool(self.rows)

    @property
    def share(self) -> float:
        """Share of the tests that passed, from 0 to 1."""
        total = len(self.rows) + self.missing
        return sum(row.share for row in self.rows) / total if total else 0.0
