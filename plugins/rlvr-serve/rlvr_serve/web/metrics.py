"""The metrics that every server has, for Prometheus: `rlvr_*`, base units, bounded labels."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

if TYPE_CHECKING:
    from rlvr_serve.web.server_state import Web

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counters of one server, in a registry of its own; a service adds its metrics there."""

    def __init__(self, web: Web) -> None:
        self.registry = CollectorRegistry()
        self.in_flight = 0
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._requests = Counter(
            "rlvr_http_requests",
            "Requests answered, by route, method and status (499: the client hung up).",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "rlvr_http_request_seconds",
            "Time from a request's head to the end of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._rejected = Counter(
            "rlvr_requests_rejected",
            "Requests sent away because the server was full, draining or starting.",
            ["reason"],
            registry=self.registry,
        )
        self.registry.register(State(web, self))

    def begin(self) -> None:
        """A request has come."""
        self.in_flight += 1

    def end(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request is over."""
        self.in_flight -= 1
        method = method if method in METHODS else "other"
        known = self._known.get((route, method, status))
        if known is None:  # looking labels up costs more than counting
            known = self._requests.labels(route, method, status), self._seconds.labels(route)
            self._known[route, method, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def reject(self, reason: str) -> None:
        """A request was sent away."""
        self._rejected.labels(reason).inc()

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class State:
    """What is read off the server at the moment of a scrape."""

    def __init__(self, web: Web, metrics: Metrics) -> None:
        self.web = web
        self.metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """One gauge each."""
        web, admission = self.web, self.web.admission
        waiting = admission.tickets - admission.running
        gauges = {
            "rlvr_http_requests_in_flight": ("Requests being answered.", self.metrics.in_flight),
            "rlvr_requests_running": ("Admitted requests that have a place.", admission.running),
            "rlvr_requests_waiting": ("Admitted requests that wait for a place.", waiting),
            "rlvr_request_buffer_bytes": ("Bytes of admitted bodies.", admission.bytes),
            "rlvr_server_ready": ("1 while /readyz says so.", web.is_welcoming),
            "rlvr_server_draining": ("1 after the server was told to stop.", web.draining),
            "rlvr_access_log_lost_lines": ("Lines not written.", web.access_log.lost),
            "rlvr_token_file_trouble": (
                "1 while the token file can't be read; the tokens read before stay.",
                bool(web.tokens and web.tokens.trouble),
            ),
        }
        for name, (about, value) in gauges.items():
            yield GaugeMetricFamily(name, about, value=float(value))
        build = InfoMetricFamily("rlvr_build", "What runs here.")
        build.add_metric([], {"version": version("rlvr-serve")})
        yield build
