"""`monitor/prometheus`: the numbers of a run, for Prometheus to scrape while it runs."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from rlvr_monitor.health.signals import from_metrics, length
from rlvr_monitor.metrics.contract import METRICS, TRAIN_SIGNALS
from rlvr_ops_core import Event, OptionError, Verdict

logger = logging.getLogger(__name__)

QUIET_STEPS = 20
MOST_REWARDS = 20
"""Names of rewards that get series of their own; the rest are counted as "other"."""
SECONDS = (0.0001, 0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60)
TOKENS = (16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
FINISHES = frozenset({"stop", "length"})


def prometheus(*, host: str = "127.0.0.1", port: int = 9464) -> Callable[[Event], None]:
    """Serve the run's metrics at http://HOST:PORT/metrics until the run ends.

    Args:
        host: the address to listen at.
        port: the port; 0 takes a free one and logs which.

    Raises:
        OptionError: the port can't be had.
    """
    return Exporter(host, port).see


class Exporter:
    """A registry that follows the events of one run, and the server that shows it."""

    def __init__(self, host: str, port: int) -> None:
        from prometheus_client import CollectorRegistry, start_http_server

        self.registry = CollectorRegistry()
        self.metrics = {
            one.name: _metric(one.name, self.registry)
            for one in METRICS
            if one.exporter in ("run", "both")
        }
        self.metrics["rlvr_build_info"].labels(version("rlvr-monitor")).set(1)
        self.rewards: set[str] = set()
        self.alarms: dict[tuple[str, str, str], int] = {}
        self.steps = 0
        try:
            self.server, self.thread = start_http_server(port, host, self.registry)
        except OSError as error:
            raise OptionError(
                f"monitor/prometheus can't listen at {host}:{port}: {error.strerror or error}",
                hint="give it another port; 0 takes a free one",
            ) from error
        self.url = f"http://{host}:{self.server.server_port}/metrics"
        logger.info("metrics at %s", self.url)

    def see(self, event: Event) -> None:
        """Take an event."""
        match event.kind:
            case "stage_started":
                active = event.data.get("verb", "train") == "train"
                self.metrics["rlvr_train_active"].labels(event.run).set(active)
                self.metrics["rlvr_train_last_step_timestamp_seconds"].labels(event.run).set(
                    event.time
                )
                self._quiet(after=0)
            case "metrics":
                self._step(event)
            case "rollouts":
                self._rollouts(event)
            case "alarm":
                self._alarm(event)
            case "stage_finished" | "stage_failed":
                self.metrics["rlvr_train_active"].labels(event.run).set(0)
            case "run_finished":
                self.close()

    def close(self) -> None:
        """End the server."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(timeout=5)

    def _step(self, event: Event) -> None:
        self.steps += 1
        self.metrics["rlvr_train_step"].labels(event.run).set(event.step or 0)
        self.metrics["rlvr_train_last_step_timestamp_seconds"].labels(event.run).set(event.time)
        for signal, value in from_metrics(event.data).items():
            if signal in TRAIN_SIGNALS:
                self.metrics[TRAIN_SIGNALS[signal][0]].labels(event.run).set(value)
        self._quiet(after=QUIET_STEPS)

    def _quiet(self, *, after: int) -> None:
        for labels, step in self.alarms.items():
            if self.steps - step >= after:
                self.metrics["rlvr_health_alarm"].labels(*labels).set(0)

    def _alarm(self, event: Event) -> None:
        labels = (event.run, str(event.data["detector"]), str(event.data["severity"]))
        self.alarms[labels] = self.steps
        self.metrics["rlvr_health_alarm"].labels(*labels).set(1)
        self.metrics["rlvr_health_alarms_total"].labels(*labels).inc()

    def _rollouts(self, event: Event) -> None:
        """Count first: looking up the series of every answer would cost more than the counting."""
        outcomes: Counter[tuple[str, str]] = Counter()
        finishes: Counter[str] = Counter()
        seconds: dict[str, list[float]] = defaultdict(list)
        groups: dict[str, list[float]] = defaultdict(list)
        see_tokens = self.metrics["rlvr_completion_tokens"].observe
        for sample, verdict in zip(event.data["samples"], event.data["verdicts"], strict=True):
            outcomes[verdict.ref, outcome(verdict)] += 1
            finishes[sample.finish if sample.finish in FINISHES else "other"] += 1
            seconds[verdict.ref].append(verdict.seconds)
            see_tokens(length(sample))
            if sample.group is not None and verdict.value is not None:
                groups[sample.group].append(verdict.value)
        rewards = {ref: self._reward_of(ref) for ref in seconds}
        for (ref, state), count in outcomes.items():
            self.metrics["rlvr_verifications_total"].labels(rewards[ref], state).inc(count)
        for finish, count in finishes.items():
            self.metrics["rlvr_completions_total"].labels(finish).inc(count)
        for ref, values in seconds.items():
            see_seconds = self.metrics["rlvr_verification_seconds"].labels(rewards[ref]).observe
            for value in values:
                see_seconds(value)
        for values in groups.values():
            if len(values) > 1:
                states = self.metrics["rlvr_train_group_state_total"]
                states.labels(event.run, group_state(values)).inc()

    def _reward_of(self, ref: str) -> str:
        """Who judged, without version and options, so that series stay few."""
        names = (one.partition("@")[0] for one in ref.split("+"))
        name = "+".join(names) or "unnamed"
        if name not in self.rewards and len(self.rewards) >= MOST_REWARDS:
            return "other"
        self.rewards.add(name)
        return name


def _metric(name: str, registry: Any) -> Any:
    import prometheus_client as client

    (found,) = (one for one in METRICS if one.name == name)
    if found.kind == "counter":
        return client.Counter(name, found.about, found.labels, registry=registry)
    if found.kind == "gauge":
        return client.Gauge(name, found.about, found.labels, registry=registry)
    buckets = TOKENS if name.endswith("_tokens") else SECONDS
    return client.Histogram(name, found.about, found.labels, registry=registry, buckets=buckets)


def outcome(verdict: Verdict) -> str:
    """`pass`, `fail` or `partial` of a judged answer, else the status."""
    if verdict.value is None:
        return verdict.status
    if verdict.value >= 1:
        return "pass"
    return "fail" if verdict.value <= 0 else "partial"


def group_state(values: list[float]) -> str:
    """What a group of rewards teaches: `mixed` something, the others nothing."""
    if max(values) - min(values) > 1e-9:
        return "mixed"
    if values[0] >= 1:
        return "all_right"
    return "all_wrong" if values[0] <= 0 else "tie"
