"""The Grafana dashboard, built from typed panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, ACROSS = 8, 8, 3


@dataclass(frozen=True)
class Panel:
    """One graph: expressions with the legend of their series."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


def _of_run(title: str, metric: str, unit: str) -> Panel:
    return Panel(title, unit, ((f'{metric}{{run=~"$run"}}', "{{run}}"),))


ROWS: tuple[Row, ...] = (
    Row(
        "Training",
        (
            _of_run("Reward", "rlvr_train_reward", "none"),
            _of_run("Entropy (nats)", "rlvr_train_entropy_nats", "none"),
            _of_run("Tokens of an answer", "rlvr_train_completion_tokens", "none"),
            _of_run("Gradient", "rlvr_train_grad_norm", "none"),
            _of_run("KL (nats)", "rlvr_train_kl_nats", "none"),
            _of_run("Loss", "rlvr_train_loss", "none"),
            _of_run("Answers cut off", "rlvr_train_truncated_ratio", "percentunit"),
            _of_run("Answers without a verdict", "rlvr_train_no_verdict_ratio", "percentunit"),
            Panel(
                "Groups",
                "percentunit",
                (
                    (
                        (
                            'sum by (state) (rate(rlvr_train_group_state_total{run=~"$run"}[10m])) '
                            "/ ignoring (state) group_left "
                            'sum(rate(rlvr_train_group_state_total{run=~"$run"}[10m]))'
                        ),
                        "{{state}}",
                    ),
                ),
            ),
        ),
    ),
    Row(
        "Health",
        (
            Panel(
                "Alarms now",
                "none",
                (('rlvr_health_alarm{run=~"$run"} == 1', "{{run}} {{detector}}"),),
                "table",
            ),
            Panel(
                "Alarms in an hour",
                "none",
                (
                    (
                        'sum by (detector) (increase(rlvr_health_alarms_total{run=~"$run"}[1h]))',
                        "{{detector}}",
                    ),
                ),
            ),
            Panel(
                "Since the last step",
                "s",
                (('time() - rlvr_train_last_step_timestamp_seconds{run=~"$run"}', "{{run}}"),),
            ),
        ),
    ),
    Row(
        "Verifiers",
        (
            Panel(
                "Verdicts a second",
                "ops",
                (
                    (
                        "sum by (reward, outcome) (rate(rlvr_verifications_total[5m]))",
                        "{{reward}} {{outcome}}",
                    ),
                ),
            ),
            Panel(
                "Failed verdicts",
                "percentunit",
                (("reward:rlvr_verification_failures:ratio_rate5m", "{{reward}}"),),
            ),
            Panel(
                "Time of a verdict, 95 %",
                "s",
                (("reward:rlvr_verification_seconds:p95_5m", "{{reward}}"),),
            ),
        ),
    ),
    Row(
        "Servers",
        (
            Panel(
                "Requests a second",
                "reqps",
                (
                    (
                        "sum by (route, status) (rate(rlvr_http_requests_total[5m]))",
                        "{{route}} {{status}}",
                    ),
                ),
            ),
            Panel(
                "Time of a request, 95 %",
                "s",
                (
                    (
                        (
                            "histogram_quantile(0.95, sum by (route, le) "
                            "(rate(rlvr_http_request_seconds_bucket[5m])))"
                        ),
                        "{{route}}",
                    ),
                ),
            ),
            Panel(
                "Running, waiting, sent away",
                "none",
                (
                    ("sum(rlvr_http_requests_in_flight)", "running"),
                    ("sum(rlvr_requests_waiting)", "waiting"),
                    ("sum(rate(rlvr_requests_rejected_total[5m]))", "sent away a second"),
                ),
            ),
        ),
    ),
    Row(
        "Drift",
        (
            Panel(
                "Drift now", "none", (("rlvr_drift_alarm == 1", "{{kind}} {{signal}}"),), "table"
            ),
            Panel("p-values", "none", (("rlvr_drift_pvalue", "{{signal}}"),)),
            Panel(
                "Groups in the windows",
                "none",
                (("rlvr_drift_window_samples", "{{window}}"),),
            ),
        ),
    ),
)


def expressions() -> list[str]:
    """Every expression of the dashboard, with its variable standing for all runs."""
    return [
        expr.replace("$run", ".*")
        for row in ROWS
        for panel in row.panels
        for expr, _ in panel.queries
    ]


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana 10 and later import it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in ROWS:
        panels.append(
            {
                "type": "row",
                "title": row.title,
                "id": len(panels) + 1,
                "collapsed": False,
                "gridPos": {"x": 0, "y": y, "w": WIDTH * ACROSS, "h": 1},
                "panels": [],
            }
        )
        y += 1
        for place, panel in enumerate(row.panels):
            x = WIDTH * (place % ACROSS)
            top = y + HEIGHT * (place // ACROSS)
            panels.append(_panel(panel, len(panels) + 1, x, top))
        y += HEIGHT * -(-len(row.panels) // ACROSS)
    return {
        "uid": "rlvr-ops",
        "title": "RLVR-Ops",
        "tags": ["rlvr"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "source",
                    "type": "datasource",
                    "query": "prometheus",
                    "label": "Prometheus",
                },
                {
                    "name": "run",
                    "type": "query",
                    "datasource": {"type": "prometheus", "uid": "${source}"},
                    "query": "label_values(rlvr_train_step, run)",
                    "multi": True,
                    "includeAll": True,
                    "allValue": ".*",
                    "refresh": 2,
                },
            ]
        },
        "panels": panels,
    }


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    instant = panel.kind == "table"
    return {
        "type": panel.kind,
        "title": panel.title,
        "id": number,
        "datasource": source,
        "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": source,
                "expr": expr,
                "legendFormat": legend,
                "instant": instant,
                "format": "table" if instant else "time_series",
            }
            for place, (expr, legend) in enumerate(panel.queries)
        ],
    }
