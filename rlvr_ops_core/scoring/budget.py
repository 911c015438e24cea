"""The error budget: stop a run whose reward is broken, and show the samples that broke it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from rlvr_ops_core.errors import ErrorBudgetExceeded
from rlvr_ops_core.types import Sample, Verdict

WINDOW = 2000
SMALLEST_COUNT = 50
"""A share is judged as if at least this many samples had been seen, so that one early failure does
not stop a run; at 2 % the second failure among the first 50 does."""
ROWS_SHOWN = 5


class ErrorBudget:
    """Counts verdicts that failed (`error`, `timeout`) among the last 2,000 samples.

    `limit` is the share that may fail: 0.02 is 2 %, 1 never stops. Abstentions do not count.
    """

    def __init__(self, limit: float = 0.02) -> None:
        self.limit = limit
        self.seen: deque[bool] = deque(maxlen=WINDOW)
        self.rows: deque[tuple[Sample, Verdict]] = deque(maxlen=ROWS_SHOWN)

    def record(self, samples: Sequence[Sample], verdicts: Sequence[Verdict]) -> None:
        """Count a batch.

        Raises:
            ErrorBudgetExceeded: more than the allowed share has failed; carries the newest rows.
        """
        for sample, verdict in zip(samples, verdicts, strict=True):
            self.seen.append(verdict.failed)
            if verdict.failed:
                self.rows.append((sample, verdict))
        failed, count = sum(self.seen), len(self.seen)
        if failed > self.limit * max(count, SMALLEST_COUNT):
            raise ErrorBudgetExceeded(
                f"{failed} of the last {count} samples got no verdict; "
                f"the error budget is {self.limit:.1%}",
                hint=describe(list(self.rows)) + "\nmend the reward, or raise error_budget",
                rows=list(self.rows),
            )


def describe(rows: Sequence[tuple[Sample, Verdict]]) -> str:
    """The failed samples as text: task, status, error, answer, and the end of a traceback."""
    lines = []
    for sample, verdict in rows:
        lines.append(f"task {sample.task.id}: {verdict.status}: {verdict.reason} [{verdict.ref}]")
        lines.append(f"  answer: {sample.text[:200]!r}")
    traceback = next((str(v.info["traceback"]) for _, v in rows if "traceback" in v.info), "")
    return "\n".join(lines + traceback.strip().splitlines()[-8:])
