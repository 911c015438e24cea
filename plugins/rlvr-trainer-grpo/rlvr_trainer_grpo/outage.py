"""A reward that is away for a while is asked again: no step is spent on unjudged answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rlvr_ops_core import ErrorBudgetExceeded, Verdict

Ask = Callable[[], list[Verdict]]


def ask_again(ask: Ask, pauses_s: Sequence[float], wait: Callable[[float], None]) -> list[Verdict]:
    """The verdicts, or those after a pause if the error budget ran out or every one failed.

    Raises:
        ErrorBudgetExceeded: the reward is still away after the last pause.
    """
    for pause in pauses_s:
        try:
            verdicts = ask()
        except ErrorBudgetExceeded:
            wait(pause)
            continue
        if not all_failed(verdicts):
            return verdicts
        wait(pause)
    verdicts = ask()
    if all_failed(verdicts) and pauses_s:
        raise ErrorBudgetExceeded(
            f"none of the {len(verdicts)} answers of this step got a verdict, "
            f"{len(pauses_s) + 1} times in a row",
            hint=f"{verdicts[0].status}: {verdicts[0].reason}\nmend the reward and run again",
            rows=(),
        )
    return verdicts


def all_failed(verdicts: Sequence[Verdict]) -> bool:
    """Whether there are verdicts, and each of them is an error or a timeout."""
    return bool(verdicts) and all(verdict.failed for verdict in verdicts)
