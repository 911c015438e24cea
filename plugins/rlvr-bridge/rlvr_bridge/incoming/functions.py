"""Functions for TRL and verl, and plain ones, as rewards here."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from rlvr_bridge.incoming.loading import finished
from rlvr_bridge.incoming.outside import Outside, split
from rlvr_ops_core import PluginError, Sample, Score


@dataclass(frozen=True, kw_only=True)
class Trl(Outside):
    """A reward function for TRL (or ms-swift), asked for one answer at a time.

    It gets what TRL passes: `prompts`, `completions`, `completion_ids`, the task's data as columns,
    a trainer state at step 0, `log_extra` and `log_metric`, whose numbers become parts.
    """

    answer_column: str = "answer"
    """The name under which the function wants the gold answer: `solution` for TRL's own."""
    chat: bool | None = None
    """Hand over completions as messages; by default where the prompt or the answer is messages."""

    def __call__(self, sample: Sample) -> Score:
        """Judge one answer."""
        return self._ask([sample])[0]

    def _ask(self, samples: Sequence[Sample]) -> list[Score]:
        parts: dict[str, list[Any]] = {}
        means: dict[str, float] = {}
        columns = {
            name: [sample.task.data.get(name) for sample in samples]
            for name in {name for sample in samples for name in sample.task.data}
        }
        result = finished(
            self.called(
                **{
                    **columns,
                    self.answer_column: [sample.task.answer for sample in samples],
                    "prompts": [self._prompt(sample) for sample in samples],
                    "completions": [self._completion(sample) for sample in samples],
                    "completion_ids": [list(sample.token_ids or ()) for sample in samples],
                    "trainer_state": SimpleNamespace(global_step=0, max_steps=0, epoch=0.0),
                    "log_extra": parts.__setitem__,
                    "log_metric": means.__setitem__,
                }
            )
        )
        values = list(result)
        if len(values) != len(samples):
            raise ValueError(f"{self.function} gave {len(values)} rewards for {len(samples)}")
        rows = [
            {**means, **{name: column[row] for name, column in parts.items() if row < len(column)}}
            for row in range(len(samples))
        ]
        return [
            self.score(value, row, {name: one for name, one in row.items() if isinstance(one, str)})
            for value, row in zip(values, rows, strict=True)
        ]

    def _is_chat(self, sample: Sample) -> bool:
        if self.chat is not None:
            return self.chat
        return not (isinstance(sample.task.prompt, str) and isinstance(sample.completion, str))

    def _prompt(self, sample: Sample) -> Any:
        return list(sample.task.messages) if self._is_chat(sample) else sample.task.prompt_text

    def _completion(self, sample: Sample) -> Any:
        return list(sample.messages) if self._is_chat(sample) else sample.text


@dataclass(frozen=True, kw_only=True)
class TrlGroup(Trl):
    """A reward function for TRL that compares the answers to one prompt: asked for whole groups."""

    def __call__(self, group: Sequence[Sample]) -> list[Score]:  # type: ignore[override]  # a group
        """Judge all answers to one prompt."""
        return self._ask(group)


@dataclass(frozen=True, kw_only=True)
class Verl(Outside):
    """A `compute_score` for verl: a number, or a dict with `score`; its other keys are parts.

    `arguments` are its `reward_kwargs`.
    """

    data_source: str | None = None
    """What it gets as `data_source`; by default the task's source."""

    @cached_property
    def called(self) -> Any:
        """The function; `arguments` go to each call."""
        from rlvr_bridge.incoming.loading import load

        return load(self.function)

    def __call__(self, sample: Sample) -> Score:
        """Judge one answer."""
        result = finished(
            self.called(
                data_source=self.data_source or sample.task.source,
                solution_str=sample.text,
                ground_truth=sample.task.answer,
                extra_info={**sample.task.data, "num_turns": 1, "rollout_reward_scores": {}},
                **self.arguments,
            )
        )
        return self.score(*split(result))


@dataclass(frozen=True, kw_only=True)
class Plain(Outside):
    """A function of texts: its parameters are filled by their names.

    `completion`, `response`, `solution`, `output`, `text` … are the answer's text, `answer`,
    `ground_truth`, `gold` … the gold answer, `prompt`, `question` the prompt; every other name is
    looked up in the task's data. A first parameter without a known name gets the text, a second
    one the gold answer. It gives a number, a bool, None, or a dict with `score` or `reward`.
    """

    def prepare(self) -> None:
        """Import the function, and look at its parameters.

        Raises:
            PluginError: it is none that can be called so.
        """
        if not callable(self.called):
            raise PluginError(f"{self.function} is no function but {self.called!r:.60}")
        _ = self.parameters

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The function's parameters."""
        return inspect.signature(self.called).parameters

    def __call__(self, sample: Sample) -> Score:
        """Judge one answer."""
        arguments, named = filled(self.parameters, sample)
        result = finished(self.called(*arguments, **named))
        if isinstance(result, Mapping):
            return self.score(*split(result, "score" if "score" in result else "reward"))
        return self.score(result, {}, {})


TEXT_NAMES = frozenset(
    {"completion", "response", "solution", "solution_str", "output", "text", "prediction", "pred"}
    | {"model_output", "generated", "generation", "student_answer", "candidate", "reply"}
)
GOLD_NAMES = frozenset(
    {"answer", "ground_truth", "gold", "label", "target", "reference", "expected", "truth"}
    | {"reference_answer", "expected_answer", "gold_answer", "correct_answer"}
)
PROMPT_NAMES = frozenset({"prompt", "question", "query", "problem", "instruction"})
DATA_NAMES = frozenset({"info", "data", "metadata", "extra_info", "item", "row", "entry"})


def filled(
    parameters: Mapping[str, inspect.Parameter], sample: Sample
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments for a plain function, by position and by name.

    Raises:
        TypeError: a required parameter's name says nothing, and the task's data has no such entry.
    """
    by_position: list[Any] = []
    by_name: dict[str, Any] = {}
    rest = [sample.text, sample.task.answer]
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        known, value = _meaning(name, sample)
        if known and value in rest:
            rest.remove(value)
        if not known and parameter.default is not parameter.empty:
            continue
        if not known and (not rest or parameter.kind is parameter.KEYWORD_ONLY):
            raise TypeError(f"what is its parameter {name!r}? neither a known name nor in the data")
        value = value if known else rest.pop(0)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            by_position.append(value)
        else:
            by_name[name] = value
    return by_position, by_name


def _meaning(name: str, sample: Sample) -> tuple[bool, Any]:
    task = sample.task
    meanings: list[tuple[frozenset[str], Any]] = [
        (TEXT_NAMES, sample.text),
        (GOLD_NAMES, task.answer),
        (PROMPT_NAMES, task.prompt_text),
        (DATA_NAMES, dict(task.data)),
        (frozenset({"messages"}), list(sample.messages)),
        (frozenset({"task"}), task),
        (frozenset({"sample"}), sample),
    ]
    for names, value in meanings:
        if name in names:
            return True, value
    return name in task.data, task.data.get(name)
