"""reasoning-gym's procedural tasks as a data source, and their own scorers as a reward."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from rlvr_ops_core.builtin.extract import abstain, committed, judged
from rlvr_ops_core.builtin.rows import Row, filled
from rlvr_ops_core.errors import DataError, OptionError, RlvrError, did_you_mean
from rlvr_ops_core.reward_spec import reward
from rlvr_ops_core.types import Json, Message, Sample, Score, Task

TEST_ONE_IN = 5
"""One question in five is held out for the test split, by the hash of its text."""

CANT_READ = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What reasoning-gym's scorers raise on text that they can't read; sympy's errors are among it."""


def reasoning_gym_tasks(
    *,
    task: str,
    seed: int = 0,
    split: Literal["train", "test"] = "train",
    limit: int = 1000,
    template: str | None = None,
    system: str | None = None,
    chat: bool = False,
    **options: Any,
) -> Iterator[Task]:
    """Tasks of one of reasoning-gym's generators; every further option goes to it by its name.

    Needs `pip install "rlvr-ops[reasoning-gym]"`. A question belongs to the test split if the
    SHA-256 of its text says so (one in five), whatever the seed and the options: no question is
    ever in both. Within a split each question comes once; a generator that runs out of different
    questions gives fewer than `limit`.

    Args:
        task: the generator: `chain_sum`, `gcd`, `countdown` …
        seed: of the generator.
        split: `train` or `test`.
        limit: how many tasks; generators have no end of their own.
        template: build the prompt; `{question}` becomes the question, the name of an entry of its
            metadata that entry (`{expression} =`), `{{` and `}}` are braces.
        system: a system message before the prompt.
        chat: make the prompt one user message, so it goes through the chat template.
        options: the generator's own: `min_terms`, `max_digits` …
    """
    if limit < 0:
        raise OptionError(f"limit: must be at least 0 (got {limit})")
    size = limit * TEST_ONE_IN * 2 + 100
    entries = _generator(task, options, seed=seed, size=size)
    recipe = {"task": task, "options": json.dumps(options, sort_keys=True)}
    seen: set[str] = set()
    for number in range(size):
        if len(seen) == limit:
            return
        entry = entries[number]
        question = entry["question"]
        if question in seen or split_of(question) != split:
            continue
        seen.add(question)
        row = Row({**entry["metadata"], **entry}, f"reasoning_gym {task}, entry {number}", "")
        text = question if template is None else filled(template, row)
        yield Task(
            f"{task}/{seed}/{number}",
            _prompt(text, system=system, chat=chat),
            entry["answer"],
            {"reasoning_gym": recipe, "entry": as_json(entry)},
            f"data/reasoning_gym:{task}",
        )
    if limit and not seen:
        raise DataError(
            f'data/reasoning_gym: "{task}" has no question in the {split} split',
            hint="with these options it makes too few different ones; make it harder or longer",
        )


def split_of(question: str) -> Literal["train", "test"]:
    """The split to which a question belongs, by its text alone."""
    digest = hashlib.sha256(question.encode("utf-8", "surrogatepass")).digest()
    return "test" if int.from_bytes(digest[:8], "big") % TEST_ONE_IN == 0 else "train"


def _prompt(text: str, *, system: str | None, chat: bool) -> str | list[Message]:
    if system is None:
        return [{"role": "user", "content": text}] if chat else text
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


def _generator(task: str, options: dict[str, Any], *, seed: int, size: int) -> Any:
    try:
        from rlvr_ops_core.builtin import gym_library
    except RlvrError as error:
        raise DataError(error.what, hint=error.hint) from error
    known = gym_library.known_tasks()
    if task not in known:
        hint = did_you_mean(task, known) or f"it has: {', '.join(known)}"
        raise DataError(f'reasoning-gym has no task "{task}"', hint=hint)
    try:
        return gym_library.dataset(task, {**options, "seed": seed, "size": size})
    except (AssertionError, TypeError, ValueError) as error:
        raise DataError(
            f"data/reasoning_gym: {task} does not take {options}: {error}",
            hint=f"its options are those of reasoning-gym's {task}",
        ) from error


@reward(preload=("rlvr_ops_core.builtin.gym_library",))
@dataclass(frozen=True, kw_only=True)
class ReasoningGym:
    """reasoning-gym's own score of the answer, in [0, 1], for tasks of `data/reasoning_gym`.

    Many of its scorers give a part for a nearly right answer, and some hand the answer to sympy:
    that is why this reward runs in a worker process and never inline.
    Where a scorer breaks on the answer but not on the gold, the answer can't be read: 0.
    """

    tag: str | None = None
    """Judge only what stands in the last `<tag>…</tag>`; by default the whole final text."""

    def __call__(self, sample: Sample) -> Score:
        """Judge one answer."""
        recipe, stored = (sample.task.data.get(key) for key in ("reasoning_gym", "entry"))
        if recipe is None or stored is None:
            return abstain("not a task of data/reasoning_gym", sample.task.answer)
        from rlvr_ops_core.builtin.gym_library import scorer

        entry = from_json(stored)
        text, missing = committed(sample, tag=self.tag)
        gold = entry["answer"]
        if missing:
            return judged(0.0, missing, extracted=None, gold=gold)
        score = scorer(recipe["task"], recipe["options"])
        try:
            value = float(score(text, entry))
        except CANT_READ as error:
            if gold is None:
                raise
            score(gold, entry)  # breaks on the gold as well: the scorer's fault, so an error
            return judged(0.0, f"can't be read: {error}"[:200], extracted=text, gold=gold)
        reason = f"reasoning-gym's {recipe['task']} gives {value:.4g}"
        return judged(value, reason, extracted=text, gold=gold)


def as_json(value: Any) -> Json:
    """A value as JSON from which `from_json` makes the same again.

    Some scorers compare with tuples or look up whole numbers, which JSON has only as lists and
    texts: those are written as `{"tuple": [...]}` and `{"pairs": [[key, value], ...]}`.
    """
    if isinstance(value, tuple):
        return {"tuple": [as_json(one) for one in value]}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if not isinstance(value, dict):
        return value
    if all(isinstance(key, str) for key in value) and set(value) not in ({"tuple"}, {"pairs"}):
        return {key: as_json(one) for key, one in value.items()}
    return {"pairs": [[as_json(key), as_json(one)] for key, one in value.items()]}


def from_json(value: Json) -> Any:
    """What `as_json` was given."""
    if isinstance(value, list):
        return [from_json(one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"tuple"}:
        return tuple(from_json(one) for one in value["tuple"])
    if set(value) == {"pairs"}:
        return {from_json(key): from_json(one) for key, one in value["pairs"]}
    return {key: from_json(one) for key, one in value.items()}
