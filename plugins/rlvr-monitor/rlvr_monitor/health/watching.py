"""The monitor: events in, alarms out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rlvr_monitor.health.advice import WHAT_TO_DO, DetectorName
from rlvr_monitor.health.checkup import Checkup, Finding
from rlvr_monitor.health.exemplars import exemplars
from rlvr_monitor.health.rules import RULES
from rlvr_monitor.health.shadow import Shadow, ShadowAudit
from rlvr_monitor.health.signals import eval_reward, from_metrics, from_rollouts
from rlvr_ops_core import Alarm, Event, RlvrError

SEQUENTIAL_TESTS = len(RULES) + 3
"""Levels, parts of the reward, failed verdicts, the shadow."""


def health(
    *,
    stop_on: Sequence[DetectorName] = (),
    ignore: Sequence[DetectorName] = (),
    false_alarms_per_1000: float = 0.5,
    shadow: Mapping[str, Any] | None = None,
) -> Callable[[Event], Iterable[Alarm]]:
    """Raise an alarm when training goes wrong; see docs/monitoring.md for every detector.

    Args:
        stop_on: detectors whose alarm ends the run.
        ignore: detectors that are not asked.
        false_alarms_per_1000: how many false alarms all sequential tests together may give in
            1,000 points of a run that is as bad as its boundaries allow; a healthy one gives fewer.
        shadow: a stricter reward that judges the best rollouts again, `{use: plugin/name}` with
            the reward's options; `per_step` rollouts a step (64), and `tolerated`, the share of
            disagreement that is no alarm (0.01).

    Raises:
        OptionError: `shadow` names no reward.
    """
    watch = Health(
        stop_on=frozenset(stop_on),
        ignore=frozenset(ignore),
        run_length=1000 / false_alarms_per_1000 * SEQUENTIAL_TESTS,
        shadow=Shadow.of(shadow) if shadow is not None else None,
    )
    return watch.see


class Health:
    """Keeps a check-up for each source of the stage that runs."""

    def __init__(
        self,
        *,
        stop_on: frozenset[str],
        ignore: frozenset[str],
        run_length: float,
        shadow: Shadow | None,
    ) -> None:
        self.stop_on = stop_on
        self.ignore = ignore
        self.run_length = run_length
        self.shadow = shadow
        self.audit: ShadowAudit | None = None
        self.last: Event | None = None
        self.spoken: dict[str, int] = {}
        self.points = 0
        self.rollouts = Checkup(run_length=run_length)
        self.numbers = Checkup(run_length=run_length)

    def see(self, event: Event) -> list[Alarm]:
        """Take an event; the alarms that it gives rise to."""
        match event.kind:
            case "run_started":
                return self._alarms(self._start_audit(event))
            case "stage_started":
                self._begin()
            case "rollouts":
                return self._alarms(self._judged(event))
            case "metrics":
                return self._alarms(self._numbers(event))
            case "evaluated":
                return self._alarms(self._evaluated(event))
            case "stage_finished" | "stage_failed":
                return self._alarms(self._disagreements(wait=True))
            case "run_finished":
                if self.audit is not None:
                    self.audit.close()
        return []

    def _begin(self) -> None:
        self.rollouts = Checkup(run_length=self.run_length)
        self.numbers = Checkup(run_length=self.run_length)
        self.last = None
        self.spoken = {}
        self.points = 0

    def _start_audit(self, event: Event) -> list[Finding]:
        if self.shadow is None:
            return []
        try:
            self.audit = self.shadow.start(event.data.get("folder"))
        except RlvrError as error:
            message = f"the shadow audit does not run: {error}"
            return [Finding("shadow_disagreement", "warning", message)]
        return []

    def _judged(self, event: Event) -> list[Finding]:
        samples, verdicts = event.data.get("samples") or [], event.data.get("verdicts") or []
        if not samples or event.step is None:  # an evaluation's answers are no training
            return []
        self.last = event
        failures = sum(verdict.failed for verdict in verdicts)
        failed = self.rollouts.failed(failures, len(verdicts))
        others = self.rollouts.valued([one.value for one in verdicts if one.value is not None])
        found = self.rollouts.update(from_rollouts(samples, verdicts))
        if self.audit is not None:
            self.audit.offer(event)
        told = [one for one in (failed, others) if one is not None]
        return [*told, *found, *self._disagreements()]

    def _numbers(self, event: Event) -> list[Finding]:
        self.points += 1
        found = self.numbers.update(from_metrics(event.data))
        held_out = eval_reward(event.data)
        if held_out is not None:
            diverged = self.numbers.evaluated(held_out)
            found += [diverged] if diverged else []
        return found + self._disagreements()

    def _evaluated(self, event: Event) -> list[Finding]:
        found = pass_rate(event.data)
        diverged = None if found is None else self.numbers.evaluated(found)
        return [diverged] if diverged else []

    def _disagreements(self, *, wait: bool = False) -> list[Finding]:
        if self.audit is None:
            return []
        found = self.audit.collect(wait=wait)
        return [found] if found else []

    def _alarms(self, findings: Iterable[Finding]) -> list[Alarm]:
        alarms = []
        for finding in findings:
            name = finding.detector
            said = self.spoken.get(name)
            if name in self.ignore or (said is not None and self.points - said < SILENCE):
                continue
            self.spoken[name] = self.points
            rows = (
                self.audit.rows
                if name == "shadow_disagreement" and self.audit is not None
                else exemplars(name, self.last)
            )
            alarms.append(
                Alarm(
                    name,
                    finding.message,
                    WHAT_TO_DO[name],
                    finding.severity,
                    finding.value,
                    finding.threshold,
                    finding.p_value,
                    rows=tuple(rows),
                    stop=name in self.stop_on,
                )
            )
        return alarms


SILENCE = 20
"""Points for which a detector that spoke says no more, whichever source it heard it from."""


def pass_rate(data: Mapping[str, Any]) -> float | None:
    """pass@1, or the mean reward, of an `evaluated` event."""
    result = data.get("result")
    if not isinstance(result, Mapping):
        result = next((one for one in data.values() if isinstance(one, Mapping)), {})
    for name in ("pass@1", "reward"):
        value = result.get(name)
        if isinstance(value, Mapping):
            value = value.get("value")
        if isinstance(value, int | float):
            return float(value)
    return None
