"""Public sets of math problems as tasks: GSM8K, MATH, MATH-500, SVAMP, AIME."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from rlvr_ops_core import DataError, Task
from rlvr_rewards_math.extract import extract_gold
from rlvr_rewards_math.rows import Row, read_rows

BOX_INSTRUCTION = "Please reason step by step, and put your final answer within \\boxed{}."
_CALCULATOR = re.compile(r"<<[^<>\n]*>>")


def gsm8k(
    *,
    split: str = "train",
    limit: int | None = None,
    path: str | None = None,
    instruction: str = BOX_INSTRUCTION,
    system: str = "",
) -> Iterator[Task]:
    """Grade school word problems with whole-number answers: 7,473 to train, 1,319 to test.

    `data` has `solution`, the worked solution without calculator marks.

    Args:
        split: `train` or `test`.
        limit: the first so many tasks; None for all.
        path: a local file or folder instead of `openai/gsm8k` on the hub.
        instruction: text after the question; "" for none.
        system: a system message before it; "" for none.

    Raises:
        DataError: the rows can't be read, or one has no `question` or no `#### answer`.
    """
    rows = read_rows("math/gsm8k", path=path, hub="openai/gsm8k", config="main", split=split)
    for index, row in enumerate(islice(rows, limit)):
        place = f"gsm8k/{split}/{index}"
        question, worked = _text(row, place, "question"), _text(row, place, "answer")
        solution, marked, gold = worked.rpartition("####")
        if not marked:
            raise DataError(
                f"{place}: no #### in the answer {worked[-80:]!r}", hint="is this GSM8K?"
            )
        yield Task(
            id=place,
            prompt=_prompt(question, instruction, system),
            answer=gold.strip().replace(",", ""),
            data={"question": question, "solution": _CALCULATOR.sub("", solution).strip()},
            source="math/gsm8k",
        )


def math500(
    *,
    split: str = "test",
    limit: int | None = None,
    path: str | None = None,
    instruction: str = BOX_INSTRUCTION,
    system: str = "",
) -> Iterator[Task]:
    """The 500 problems of MATH that most papers evaluate on; options as of `math/gsm8k`."""
    yield from _competition(
        "math500", "HuggingFaceH4/MATH-500", None, split, limit, path, instruction, system
    )


def math(
    *,
    split: str = "train",
    limit: int | None = None,
    path: str | None = None,
    instruction: str = BOX_INSTRUCTION,
    system: str = "",
) -> Iterator[Task]:
    """Competition problems (Hendrycks et al. 2021), to train on; options as of `math/gsm8k`.

    The gold answer is the last box of the row's solution if the row has no `answer`.
    """
    hub = "nlile/hendrycks-MATH-benchmark"
    yield from _competition("math", hub, None, split, limit, path, instruction, system)


def aime(
    *,
    split: str = "train",
    limit: int | None = None,
    path: str | None = None,
    instruction: str = BOX_INSTRUCTION,
    system: str = "",
    hub: str = "HuggingFaceH4/aime_2024",
) -> Iterator[Task]:
    """Problems of the AIME, answers from 0 to 999.

    Options as of `math/gsm8k`, and `hub`: another year's set.
    """
    yield from _competition("aime", hub, None, split, limit, path, instruction, system)


def svamp(
    *,
    split: str = "train",
    limit: int | None = None,
    path: str | None = None,
    instruction: str = BOX_INSTRUCTION,
    system: str = "",
) -> Iterator[Task]:
    """One-step word problems with twists (Patel et al. 2021); options as of `math/gsm8k`."""
    rows = read_rows("math/svamp", path=path, hub="ChilleD/SVAMP", config=None, split=split)
    for index, row in enumerate(islice(rows, limit)):
        place = f"svamp/{split}/{index}"
        body = _text(row, place, "Body").strip()
        stop = "" if body.endswith((".", "?", "!")) else "."
        question = f"{body}{stop} {_text(row, place, 'Question').strip()}"
        answer = _text(row, place, "Answer").strip()
        yield Task(
            id=place,
            prompt=_prompt(question, instruction, system),
            answer=answer.removesuffix(".0"),
            data={"question": question},
            source="math/svamp",
        )


def _competition(
    name: str,
    hub: str,
    config: str | None,
    split: str,
    limit: int | None,
    path: str | None,
    instruction: str,
    system: str,
) -> Iterator[Task]:
    rows = read_rows(f"math/{name}", path=path, hub=hub, config=config, split=split)
    for index, row in enumerate(islice(rows, limit)):
        place = f"{name}/{split}/{index}"
        question = _text(row, place, "problem", "Problem", "question")
        kept = {
            key: row[key]
            for key in ("subject", "type", "level", "unique_id", "ID", "year")
            if key in row
        }
        yield Task(
            id=place,
            prompt=_prompt(question, instruction, system),
            answer=_gold(row, place),
            data={"question": question, **kept},
            source=f"math/{name}",
        )


def _gold(row: Row, place: str) -> str:
    for key in ("answer", "Answer"):
        if row.get(key) not in (None, ""):
            return str(row[key])
    solution = _text(row, place, "solution", "Solution")
    if "\\boxed" not in solution and "\\fbox" not in solution:
        raise DataError(
            f"{place}: no answer, and no box in the solution", hint="is this the right data set?"
        )
    return extract_gold(solution)


def _text(row: Row, place: str, *keys: str) -> str:
    for key in keys:
        if row.get(key) not in (None, ""):
            return str(row[key])
    raise DataError(
        f"{place}: no column {' or '.join(keys)}",
        hint=f"the row has: {', '.join(row) or 'nothing'}",
    )


def _prompt(question: str, instruction: str, system: str) -> list[dict[str, str]]:
    text = f"{question.strip()}\n{instruction}" if instruction else question.strip()
    user = {"role": "user", "content": text}
    return [{"role": "system", "content": system}, user] if system else [user]


SOURCES: dict[str, Callable[..., Any]] = {
    "gsm8k": gsm8k,
    "math500": math500,
    "math": math,
    "svamp": svamp,
    "aime": aime,
}
