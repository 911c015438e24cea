"""The rewards of the matrix, and for each of them answers that are right, wrong and unjudgeable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bridge_sites import Answer

from rlvr_ops_core import Sample, Task, Verdict
from rlvr_ops_core.plugins import Plugins
from rlvr_ops_core.scoring import Engine, bind_component

HERE = Path(__file__).resolve().parent
RAGGED_FILE = HERE / "ragged.py"
ECHO_FILE = HERE.parents[2] / "tests" / "echo" / "rlvr_echo.py"


@dataclass(frozen=True)
class Case:
    """One reward with its options, and answers by what they are."""

    reward: str
    answers: Mapping[str, Answer]
    options: Mapping[str, Any] = field(default_factory=dict)
    plugins: tuple[Path, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        return (self.reward,)

    @property
    def option_words(self) -> tuple[str, ...]:
        import json

        return tuple(f"{name}={json.dumps(value)}" for name, value in self.options.items())


def _case(
    reward: str,
    gold: Any,
    right: str,
    wrong: str,
    *,
    unusable: Any = None,
    data: Mapping[str, Any] | None = None,
    **options: Any,
) -> Case:
    task = Task("1", "What is it?", gold, data or {}, "matrix")
    hopeless = Task("2", "What is it?", unusable, {}, "matrix")
    answers = {
        "right": Answer(task, right),
        "wrong": Answer(task, wrong),
        "abstain": Answer(hopeless, right),
    }
    return Case(reward, answers, options)


def _gym() -> Case:
    task = Task(
        "gym/1",
        "7 + 5 =",
        "12",
        {
            "reasoning_gym": {"task": "chain_sum", "options": "{}"},
            "entry": {"question": "7 + 5 =", "answer": "12", "metadata": {"difficulty": {}}},
        },
    )
    answers = {
        "right": Answer(task, "12"),
        "wrong": Answer(task, "13"),
        "abstain": Answer(Task("2", "?", "12"), "12"),
    }
    return Case("data/reasoning_gym", answers)


def _bundled() -> list[Case]:
    program = "```python\ndef double(n):\n    return {}\n```"
    code = {"tests": ["assert double(2) == 4", "assert double(5) == 10"]}
    return [
        _case("text/exact", "Paris", "Paris", "London"),
        _case("text/f1", "the cat sat", "the cat sat", "a dog ran off", unusable={}),
        _case("text/choice", "B", "It is (B)", "It is (C)", unusable=7.5, labels=["A", "B", "C"]),
        _case("text/number", "42", "It is 42.", "It is 41."),
        _case("text/format", None, "<answer>4</answer>", "4", tags=["answer"]),
        _case("text/length", None, "short", "x" * 40, soft=10, hard=50),
        _case("math/equal", "1/2", r"so \boxed{0.5}", r"so \boxed{0.4}"),
        _case("math/boxed", "4", r"so \boxed{4}", "so 4"),
        _gym(),
        _case("code/tests", None, program.format("2 * n"), program.format("n"), data=code),
    ]


@cache
def bundled() -> tuple[Case, ...]:
    """The rewards of every plugin of ours that is installed."""
    installed = Plugins.discover().components("reward")
    return tuple(
        case
        for case in _bundled()
        if case.reward in installed
        and (case.reward != "data/reasoning_gym" or find_spec("reasoning_gym"))
    )


def nasty() -> Case:
    """The reward that does what the answer says."""
    task = Task("1", "1 + 1 =", "2")
    said = {"right": "2", "wrong": "3", "abstain": "none", "error": "raise", "timeout": "hang"}
    said |= {"nan": "nan", "crash": "os_exit", "exit": "exit"}
    answers = {kind: Answer(task, text) for kind, text in said.items()}
    return Case("rlvr_echo/nasty", answers, plugins=(ECHO_FILE,))


def ragged() -> Case:
    task = Task("1", "1 + 1 =", "2")
    said = {"one": "alpha", "two": "beta", "three": "gamma ray", "four": "delta"}
    return Case(
        "ragged/ragged", {k: Answer(task, v) for k, v in said.items()}, plugins=(RAGGED_FILE,)
    )


def signed() -> Case:
    task = Task("1", "1 + 1 =", "2")
    answers = {"right": Answer(task, "any"), "abstain": Answer(task, "none")}
    return Case("ragged/signed", answers, plugins=(RAGGED_FILE,))


def expected(case: Case) -> dict[str, Verdict]:
    """What the engine says, without any adapter."""
    plugins = Plugins.discover(files=case.plugins)
    bound = bind_component(plugins.find("reward", case.reward), case.options)
    answers: Sequence[Answer] = list(case.answers.values())
    with Engine(bound) as engine:
        verdicts = engine.score([Sample(one.task, one.text) for one in answers])
    return dict(zip(case.answers, verdicts, strict=True))
