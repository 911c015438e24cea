"""Every `rlvr_*` metric: its name, type and labels. Rules and dashboard may name no other.

Base units, `_total` for counters, and no label whose values a model, a task or a client chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Metric:
    """One metric; `exporter` is whose process exports it."""

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()
    exporter: Literal["run", "server", "both", "drift"] = "run"

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus stores it."""
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


TRAIN_SIGNALS: Mapping[str, tuple[str, str]] = {
    "reward": ("rlvr_train_reward", "Mean reward of the step."),
    "loss": ("rlvr_train_loss", "Loss of the step."),
    "entropy": ("rlvr_train_entropy_nats", "Mean entropy of the answers' tokens."),
    "kl": ("rlvr_train_kl_nats", "Divergence from the reference model."),
    "grad_norm": ("rlvr_train_grad_norm", "Length of the gradient."),
    "length": ("rlvr_train_completion_tokens", "Mean length of an answer."),
    "truncated": ("rlvr_train_truncated_ratio", "Share of answers cut off at the limit."),
    "groups_alike": ("rlvr_train_groups_alike_ratio", "Share of groups that teach nothing."),
    "no_verdict": ("rlvr_train_no_verdict_ratio", "Share of answers without a verdict."),
}
"""For each signal of a training step: its metric and what it is."""

_RUN = ("run",)
METRICS: tuple[Metric, ...] = (
    Metric("rlvr_build_info", "gauge", "What runs here.", ("version",), "both"),
    Metric("rlvr_train_active", "gauge", "1 while a stage trains.", _RUN),
    Metric("rlvr_train_step", "gauge", "The newest step.", _RUN),
    Metric(
        "rlvr_train_last_step_timestamp_seconds", "gauge", "When the newest step was logged.", _RUN
    ),
    *(Metric(name, "gauge", about, _RUN) for name, about in TRAIN_SIGNALS.values()),
    Metric(
        "rlvr_train_group_state_total",
        "counter",
        "Groups of answers: all_right, all_wrong, tie or mixed.",
        ("run", "state"),
    ),
    Metric(
        "rlvr_verifications_total",
        "counter",
        "Verdicts: pass, fail, partial, abstain, error or timeout.",
        ("reward", "outcome"),
        "both",
    ),
    Metric("rlvr_verification_seconds", "histogram", "Time of a verdict.", ("reward",), "both"),
    Metric("rlvr_completions_total", "counter", "Answers, by how they ended.", ("finish_reason",)),
    Metric("rlvr_completion_tokens", "histogram", "Tokens of an answer."),
    Metric(
        "rlvr_health_alarm",
        "gauge",
        "1 from an alarm on, until 20 steps are quiet.",
        ("run", "detector", "severity"),
    ),
    Metric("rlvr_health_alarms_total", "counter", "Alarms.", ("run", "detector", "severity")),
    Metric(
        "rlvr_http_requests_total", "counter", "Requests.", ("route", "method", "status"), "server"
    ),
    Metric("rlvr_http_request_seconds", "histogram", "Time of a request.", ("route",), "server"),
    Metric("rlvr_http_requests_in_flight", "gauge", "Requests being answered.", (), "server"),
    Metric("rlvr_requests_waiting", "gauge", "Requests that wait.", (), "server"),
    Metric("rlvr_requests_rejected_total", "counter", "Requests sent away.", ("reason",), "server"),
    Metric("rlvr_server_ready", "gauge", "1 while the server is ready.", (), "server"),
    Metric(
        "rlvr_drift_alarm",
        "gauge",
        "1 if the comparison found drift; kind is input or policy.",
        ("signal", "detector", "kind"),
        "drift",
    ),
    Metric("rlvr_drift_pvalue", "gauge", "p-value of the test.", ("signal", "detector"), "drift"),
    Metric("rlvr_drift_window_samples", "gauge", "Rollouts in the window.", ("window",), "drift"),
    Metric(
        "rlvr_drift_last_check_timestamp_seconds",
        "gauge",
        "When drift was last tested.",
        (),
        "drift",
    ),
)
