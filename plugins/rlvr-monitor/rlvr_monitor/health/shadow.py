"""The shadow audit: a stricter reward judges some of the best rollouts again, beside the run."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from rlvr_monitor.health.checkup import Finding
from rlvr_monitor.health.sequential import EDetector
from rlvr_ops_core import Event, OptionError, RlvrError, RolloutRef, Sample, Verdict

ONCE_IN = 1000.0
"""One run in so many may give a false alarm."""
MOST_WAITING = 4
"""Batches that wait for the twin; what comes while so many do is left out."""
WAIT_S = 20.0
"""How long the end of a stage waits for the last batches."""
REFUSED_BELOW = 0.5

Score = Callable[[Sequence[Sample]], Sequence[Verdict]]


@dataclass(frozen=True)
class Shadow:
    """Which reward judges again, and how much of it."""

    use: str
    per_step: int = 64
    tolerated: float = 0.01
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Shadow:
        """The option `shadow` of a pipeline.

        Raises:
            OptionError: it is not of the form `{use: plugin/name, …}`.
        """
        rest = dict(given)
        use = rest.pop("use", None)
        if not isinstance(use, str) or "/" not in use:
            raise OptionError(
                f"shadow: use: {use!r} names no reward",
                hint="write shadow: {use: plugin/name} with the reward's options",
            )
        per_step, tolerated = rest.pop("per_step", 64), rest.pop("tolerated", 0.01)
        if not isinstance(per_step, int) or per_step < 1:
            raise OptionError(f"shadow: per_step must be a whole number from 1 on, not {per_step}")
        if not isinstance(tolerated, float) or not 0 < tolerated < 0.5:
            raise OptionError(f"shadow: tolerated must lie between 0 and 0.5, not {tolerated}")
        return cls(use, per_step, tolerated, rest)

    def start(self, run_folder: str | None) -> ShadowAudit:
        """An audit that runs beside a run; the pipeline's own plugin files are known to it.

        Raises:
            RlvrError: the reward is not there, or its options are wrong.
        """
        from rlvr_ops_core.plugins import Plugins
        from rlvr_ops_core.scoring import Engine, bind_component

        plugins = Plugins.discover(files=plugin_files(run_folder))
        engine = Engine(bind_component(plugins.find("reward", self.use), self.options), workers=1)
        return ShadowAudit(self, engine.score, engine.close)


def plugin_files(run_folder: str | None) -> list[Path]:
    """The plugin files that the pipeline of a run names."""
    if run_folder is None:
        return []
    import yaml

    from rlvr_ops_core.runs import read_json

    folder = Path(run_folder)
    about = read_json(folder / "run.json") or {}
    resolved = folder / "pipeline.yaml"
    content = yaml.safe_load(resolved.read_text("utf-8")) if resolved.is_file() else {}
    beside = Path(about.get("pipeline") or ".").parent
    return [beside / name for name in content.get("plugins") or []]


class ShadowAudit:
    """Hands rollouts to the twin in a thread, and tests how often it disagrees."""

    def __init__(self, shadow: Shadow, score: Score, close: Callable[[], None]) -> None:
        self.shadow = shadow
        self.score = score
        self.end_engine = close
        self.test = EDetector(shadow.tolerated, once_in=ONCE_IN)
        self.random = Random(0)
        self.todo: queue.Queue[tuple[str, int | None, list[Sample]] | None]
        self.todo = queue.Queue(MOST_WAITING)
        self.done: deque[tuple[int, int, list[RolloutRef]]] = deque()
        self.rows: list[RolloutRef] = []
        self.checked = self.refused = self.left_out = 0
        self.recent: deque[tuple[int, int]] = deque(maxlen=10)
        self.trouble = ""
        self.raised = False
        self.thread = threading.Thread(target=self._work, name="rlvr-shadow", daemon=True)
        self.thread.start()

    def offer(self, rollouts: Event) -> None:
        """Take some of the best rollouts of a step; never waits."""
        judged = [
            (sample, verdict.value)
            for sample, verdict in zip(
                rollouts.data["samples"], rollouts.data["verdicts"], strict=True
            )
            if verdict.value is not None and verdict.value > 0
        ]
        if not judged:
            return
        best = max(value for _, value in judged)
        high = [sample for sample, value in judged if value >= 0.9 * best]
        chosen = self.random.sample(high, min(self.shadow.per_step, len(high)))
        try:
            self.todo.put_nowait((rollouts.stage, rollouts.step, chosen))
        except queue.Full:
            self.left_out += len(chosen)

    def collect(self, *, wait: bool = False) -> Finding | None:
        """What the twin has found by now; with `wait` the batches that still wait are judged."""
        if wait and self.thread.is_alive():
            idle = threading.Event()
            threading.Thread(target=self._tell_when_idle, args=(idle,), daemon=True).start()
            idle.wait(WAIT_S)
        finding = None
        while self.done:
            refused, count, rows = self.done.popleft()
            self.checked += count
            self.refused += refused
            self.recent.append((refused, count))
            self.rows = [*rows, *self.rows][:8]
            if self.test.update(refused, count) and not self.raised:
                self.raised = True
                finding = self._disagreement()
        if self.trouble and not self.raised:
            self.raised = True
            return Finding("shadow_disagreement", "warning", self.trouble)
        return finding

    def close(self) -> None:
        """End the thread and the twin's workers."""
        if self.thread.is_alive():
            try:
                self.todo.put(None, timeout=1)
            except queue.Full:
                return  # a daemon thread ends with the process
            self.thread.join(timeout=WAIT_S)
        self.end_engine()

    def _tell_when_idle(self, idle: threading.Event) -> None:
        self.todo.join()
        idle.set()

    def _disagreement(self) -> Finding:
        refused = sum(one for one, _ in self.recent)
        count = sum(one for _, one in self.recent)
        message = (
            f"{self.shadow.use} refuses {refused} of the last {count} best answers that it judged "
            f"again; {self.shadow.tolerated:.0%} are tolerated"
        )
        p_value = min(1.0, 1 / max(1.0, self.test.evidence))
        share = refused / max(1, count)
        return Finding(
            "shadow_disagreement", "critical", message, share, self.shadow.tolerated, p_value
        )

    def _work(self) -> None:
        while (task := self.todo.get()) is not None:
            try:
                self._judge(*task)
            except RlvrError as error:
                self.trouble = f"the shadow {self.shadow.use} can't judge: {error.what}"
            finally:
                self.todo.task_done()
        self.todo.task_done()

    def _judge(self, stage: str, step: int | None, samples: list[Sample]) -> None:
        verdicts = self.score(samples)
        judged = [
            (sample, verdict.value < REFUSED_BELOW)
            for sample, verdict in zip(samples, verdicts, strict=True)
            if verdict.value is not None
        ]
        rows = [
            RolloutRef(stage, step, sample.group, sample.index)
            for sample, refused in judged
            if refused
        ]
        self.done.append((len(rows), len(judged), rows))
