"""The verifiers of the league.

Each a function of a gold text and a completion, called as its own documentation says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Verifier = Callable[[str, str], bool | None]


def _as_latex(gold: str) -> str:
    """A gold text as math-verify and TRL want it: LaTeX between dollar signs, or with a box."""
    return gold if "$" in gold or "\\boxed" in gold else f"${gold}$"


def math_verify_default() -> Verifier:
    """Math-verify as its README says, with its own time-outs (SIGALRM)."""
    from math_verify import parse, verify

    return lambda gold, completion: bool(verify(parse(_as_latex(gold)), parse(completion)))


def trl_accuracy_reward() -> Verifier:
    """TRL's accuracy_reward, in the main thread."""
    from trl.rewards import accuracy_reward

    def judge(gold: str, completion: str) -> bool | None:
        value = accuracy_reward(
            [[{"role": "assistant", "content": completion}]], [_as_latex(gold)]
        )[0]
        return None if value is None else bool(value)

    return judge


def reasoning_gym_decimal() -> Verifier:
    """reasoning-gym's number scorer on `<answer>`, else on the whole text."""
    from reasoning_gym.utils import compute_decimal_reward, extract_answer

    return lambda gold, completion: (
        compute_decimal_reward(extract_answer(completion) or completion, gold) == 1.0
    )


def ours_fast_only() -> Verifier:
    """The exact rules of math/equal alone; undecided is no verdict."""
    from rlvr_rewards_math.equal import equal_fast

    from rlvr_ops_core import Sample, Score, Task

    def judge(gold: str, completion: str) -> bool | None:
        score = equal_fast(Sample(Task("league", "", gold), completion))
        return bool(score.value) if isinstance(score, Score) and score.value is not None else None

    return judge


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rlvr_rewards_math.equal import equal

    from rlvr_ops_core.scoring import Engine, bind_function

    engine = Engine(bind_function(equal, {}), workers=1)
    engine.start()
    return engine


def ours() -> Verifier:
    """math/equal in the engine.

    Exact rules here, the rest in a worker that is killed at its deadline.
    """
    from rlvr_rewards_math.equal import equal_fast

    from rlvr_ops_core import Sample, Score, Task

    engine = _engine()

    def judge(gold: str, completion: str) -> bool | None:
        sample = Sample(Task("league", "", gold), completion)
        score = equal_fast(sample)  # as the engine does, without its bookkeeping
        if isinstance(score, Score):
            return None if score.value is None else bool(score.value)
        verdict = engine.score([sample])[0]
        return None if verdict.value is None else bool(verdict.value)

    return judge


VERIFIERS: dict[str, Callable[[], Verifier]] = {
    "math/equal": ours,
    "math/equal, exact rules only": ours_fast_only,
    "math-verify": math_verify_default,
    "TRL accuracy_reward": trl_accuracy_reward,
    "reasoning-gym decimal": reasoning_gym_decimal,
}


def load(name: str) -> Verifier:
    """A verifier, ready to be called; its warnings are switched off.

    Raises:
        ImportError: its package is not installed.
    """
    logging.disable(logging.CRITICAL)
    return VERIFIERS[name]()
