"""The error budget: stop a run whose reward is broken, and show the samples that broke it.

Two kinds of failure are told apart. An `error`, or a timeout while the reward is slow with most
answers, is the reward's: few are borne. A timeout of single answers, while the reward judges the
others in time, is the answer's: a policy may learn to write what takes for ever. It gets no value
like any other failure, and only a far higher share of them ends the run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from rlvr_ops_core.errors import ErrorBudgetExceeded
from rlvr_ops_core.types import Sample, Verdict

WINDOW = 2000
SMALLEST_COUNT = 50
"""A share is judged as if at least this many samples had been seen, so that one early failure does
not stop a run; at 2 % the second failure among the first 50 does."""
FEWEST_BESIDE = 8
"""Whether a reward is slow with most answers is seen on at least this many of the newest."""
SLOW_ANSWERS = 0.25
"""The share of answers that may provoke a timeout: beyond it hardly anything is left to learn."""
ROWS_SHOWN = 5


class ErrorBudget:
    """Counts verdicts that failed (`error`, `timeout`) among the last 2,000 samples.

    `limit` is the share that may fail by the reward's fault: 0.02 is 2 %, 1 never stops.
    Abstentions do not count. Whoever goes on after the budget ran out (a trainer that waited for
    the reward to come back) starts with an empty window.
    """

    def __init__(self, limit: float = 0.02) -> None:
        self.limit = limit
        self.broken: deque[bool] = deque(maxlen=WINDOW)
        self.slow: deque[bool] = deque(maxlen=WINDOW)
        self.newest_timed_out: deque[bool] = deque(maxlen=FEWEST_BESIDE)
        self.rows: deque[tuple[Sample, Verdict]] = deque(maxlen=ROWS_SHOWN)
        self.slow_rows: deque[tuple[Sample, Verdict]] = deque(maxlen=ROWS_SHOWN)

    def record(self, samples: Sequence[Sample], verdicts: Sequence[Verdict]) -> None:
        """Count a batch.

        Raises:
            ErrorBudgetExceeded: more than the allowed share has failed; carries the newest rows.
        """
        are_slow = self._are_answers_slow(verdicts)
        for sample, verdict in zip(samples, verdicts, strict=True):
            is_slow = verdict.status == "timeout" and are_slow
            self.slow.append(is_slow)
            self.broken.append(verdict.failed and not is_slow)
            if verdict.failed:
                (self.slow_rows if is_slow else self.rows).append((sample, verdict))
        if _exceeds(self.broken, self.limit):
            self._stop(
                self.broken,
                self.rows,
                f"got no verdict; the error budget is {self.limit:.1%}",
                "mend the reward, or raise error_budget",
            )
        if _exceeds(self.slow, max(self.limit, SLOW_ANSWERS)):
            self._stop(
                self.slow,
                self.slow_rows,
                "ran into the reward's deadline, which judged the others in time; "
                f"at most {max(self.limit, SLOW_ANSWERS):.0%} may",
                "the model writes answers that take too long to judge: let the reward give these "
                "a low value itself, or raise its timeout_s",
            )

    def _are_answers_slow(self, verdicts: Sequence[Verdict]) -> bool:
        """Whether timeouts are the answers' own: at least half of the newest came in time."""
        timed_out = [verdict.status == "timeout" for verdict in verdicts]
        missing = max(0, FEWEST_BESIDE - len(timed_out))
        before = list(self.newest_timed_out)[-missing:] if missing else []
        self.newest_timed_out.extend(timed_out)
        newest = before + timed_out
        return 2 * sum(newest) <= len(newest)

    def _stop(
        self,
        window: deque[bool],
        rows: deque[tuple[Sample, Verdict]],
        what: str,
        hint: str,
    ) -> None:
        shown, failed, count = list(rows), sum(window), len(window)
        for one in (self.broken, self.slow, self.newest_timed_out, self.rows, self.slow_rows):
            one.clear()
        raise ErrorBudgetExceeded(
            f"{failed} of the last {count} samples {what}",
            hint=f"{describe(shown)}\n{hint}",
            rows=shown,
        )


def _exceeds(window: deque[bool], limit: float) -> bool:
    return sum(window) > limit * max(len(window), SMALLEST_COUNT)


def describe(rows: Sequence[tuple[Sample, Verdict]]) -> str:
    """The failed samples as text: task, status, error, answer, and the end of a traceback."""
    lines = []
    for sample, verdict in rows:
        lines.append(f"task {sample.task.id}: {verdict.status}: {verdict.reason} [{verdict.ref}]")
        lines.append(f"  answer: {sample.text[:200]!r}")
    traceback = next((str(v.info["traceback"]) for _, v in rows if "traceback" in v.info), "")
    return "\n".join(lines + traceback.strip().splitlines()[-8:])
