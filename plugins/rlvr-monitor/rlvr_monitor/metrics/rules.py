"""Recording and alert rules for Prometheus, with what each must do on example series.

An alert says here when it fires, when it does not, and when it recovers; `promtool test rules`
holds it to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DOCS = "docs/monitoring.md"
"""The page that says what to do; where it is published, `rlvr monitor-files --docs` knows."""
TARGET = 0.99
"""The service level: so many of a hundred verdicts come."""
FEWEST = 20
"""Verdicts in the window below which a burn rate says nothing."""

Series = Mapping[str, str]
"""Series by name with labels, in promtool's notation, one value a minute."""


@dataclass(frozen=True)
class Example:
    """Series, and the minutes at which the alert must (or must not) fire."""

    series: Series
    fires: tuple[int, ...] = ()
    quiet: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """A recording rule."""

    name: str
    expr: str


@dataclass(frozen=True)
class Alert:
    """An alert rule and its examples."""

    name: str
    expr: str
    severity: str
    summary: str
    anchor: str
    wait: str = "0m"
    examples: tuple[Example, ...] = ()


def _failures(window: str) -> Record:
    failed = f'rate(rlvr_verifications_total{{outcome=~"error|timeout"}}[{window}])'
    whole = f"rate(rlvr_verifications_total[{window}])"
    whole = f"sum by (reward) ({whole})"
    return Record(
        f"reward:rlvr_verification_failures:ratio_rate{window}",
        f"(sum by (reward) ({failed}) or 0 * {whole}) / {whole}",
    )


WINDOWS = ("5m", "30m", "1h", "6h", "3d")
RECORDS: tuple[Record, ...] = (
    *(_failures(window) for window in WINDOWS),
    Record(
        "reward:rlvr_verification_seconds:p95_5m",
        "histogram_quantile(0.95, sum by (reward, le) "
        "(rate(rlvr_verification_seconds_bucket[5m])))",
    ),
    Record(
        "route:rlvr_http_errors:ratio_rate5m",
        'sum by (route) (rate(rlvr_http_requests_total{status=~"5.."}[5m])) '
        "/ sum by (route) (rate(rlvr_http_requests_total[5m]))",
    ),
    Record(
        "run:rlvr_train_group_mixed:ratio_rate30m",
        'sum by (run) (rate(rlvr_train_group_state_total{state="mixed"}[30m])) '
        "/ sum by (run) (rate(rlvr_train_group_state_total[30m]))",
    ),
)


def _burn(times: float, long: str, short: str) -> str:
    limit = f"{times} * {1 - TARGET:.2f}"
    return (
        f"reward:rlvr_verification_failures:ratio_rate{long} > {limit} "
        f"and reward:rlvr_verification_failures:ratio_rate{short} > {limit} "
        f"and sum by (reward) (increase(rlvr_verifications_total[{long}])) >= {FEWEST}"
    )


def _bucket(le: str) -> str:
    return f'rlvr_verification_seconds_bucket{{reward="math/equal",le="{le}"}}'


def _drift(signal: str, detector: str, kind: str) -> str:
    return f'rlvr_drift_alarm{{signal="{signal}",detector="{detector}",kind="{kind}"}}'


def _verdicts(passed: str, failed: str) -> Series:
    return {
        'rlvr_verifications_total{reward="math/equal",outcome="pass"}': passed,
        'rlvr_verifications_total{reward="math/equal",outcome="error"}': failed,
    }


_REWARD = {"reward": "math/equal"}
_RUN = {"run": "r"}
ALERTS: tuple[Alert, ...] = (
    Alert(
        "RlvrVerifierFailingFast",
        _burn(14.4, "1h", "5m"),
        "critical",
        "{{ $labels.reward }} gives no verdict on {{ $value | humanizePercentage }} of answers",
        "verifier_errors",
        examples=(
            Example(
                _verdicts("0+50x40 2000+100x40", "0+50x40 2000+0x40"),
                fires=(10, 40),
                quiet=(60,),
                labels=_REWARD,
            ),
            Example(_verdicts("0+100x60", "0+0x60"), quiet=(30, 59)),
            Example(_verdicts("0 0x40", "0 5x40"), quiet=(30,)),
        ),
    ),
    Alert(
        "RlvrVerifierFailing",
        _burn(6, "6h", "30m"),
        "warning",
        "{{ $labels.reward }} gives no verdict on {{ $value | humanizePercentage }} of answers",
        "verifier_errors",
        examples=(
            Example(
                _verdicts("0+90x60 5400+100x60", "0+10x60 600+0x60"),
                fires=(40, 60),
                quiet=(100,),
                labels=_REWARD,
            ),
            Example(_verdicts("0+97x60", "0+3x60"), quiet=(30, 59)),
        ),
    ),
    Alert(
        "RlvrVerifierFailingSlowly",
        _burn(1, "3d", "6h"),
        "info",
        "{{ $labels.reward }} spends its budget of failures: {{ $value | humanizePercentage }}",
        "verifier_errors",
        examples=(
            Example(
                _verdicts("0+98x60 5880+9900x400", "0+2x60 120+0x400"),
                fires=(30, 60),
                quiet=(430,),
                labels=_REWARD,
            ),
            Example(_verdicts("0+199x60", "0+1x60"), quiet=(30, 59)),
        ),
    ),
    Alert(
        "RlvrVerifierSlow",
        "reward:rlvr_verification_seconds:p95_5m > 10",
        "warning",
        "95 % of the verdicts of {{ $labels.reward }} take up to {{ $value | humanizeDuration }}",
        "verifier_latency",
        wait="10m",
        examples=(
            Example(
                {
                    _bucket("10"): "0+0x60 0+10x60",
                    _bucket("30"): ("0+10x60 600+10x60"),
                    _bucket("+Inf"): ("0+10x60 600+10x60"),
                },
                fires=(30, 60),
                quiet=(5, 90),
                labels=_REWARD,
            ),
        ),
    ),
    Alert(
        "RlvrHealthCritical",
        'max by (run, detector) (rlvr_health_alarm{severity="critical"}) == 1',
        "critical",
        "{{ $labels.run }}: {{ $labels.detector }}",
        "{{ $labels.detector }}",
        examples=(
            Example(
                {
                    'rlvr_health_alarm{run="r",detector="nan_loss",severity="critical"}': (
                        "0x10 1x20 0x30"
                    )
                },
                fires=(11, 30),
                quiet=(5, 40),
                labels={**_RUN, "detector": "nan_loss"},
            ),
            Example(
                {'rlvr_health_alarm{run="r",detector="truncation",severity="warning"}': "1x60"},
                quiet=(30,),
            ),
        ),
    ),
    Alert(
        "RlvrHealthWarning",
        'max by (run, detector) (rlvr_health_alarm{severity="warning"}) == 1',
        "warning",
        "{{ $labels.run }}: {{ $labels.detector }}",
        "{{ $labels.detector }}",
        wait="2m",
        examples=(
            Example(
                {
                    'rlvr_health_alarm{run="r",detector="truncation",severity="warning"}': (
                        "0x10 1x20 0x30"
                    )
                },
                fires=(14, 30),
                quiet=(11, 40),
                labels={**_RUN, "detector": "truncation"},
            ),
        ),
    ),
    Alert(
        "RlvrRunSilent",
        "time() - max by (run) (rlvr_train_last_step_timestamp_seconds) > 1800 "
        "and max by (run) (rlvr_train_active) == 1",
        "critical",
        "{{ $labels.run }} trains, but has logged no step for {{ $value | humanizeDuration }}",
        "dead-man",
        wait="5m",
        examples=(
            Example(
                {
                    'rlvr_train_last_step_timestamp_seconds{run="r"}': "0x60 3660+60x60",
                    'rlvr_train_active{run="r"}': "1x130",
                },
                fires=(40, 60),
                quiet=(20, 70),
                labels=_RUN,
            ),
            Example(
                {
                    'rlvr_train_last_step_timestamp_seconds{run="r"}': "0x90",
                    'rlvr_train_active{run="r"}': "0x90",
                },
                quiet=(60, 90),
            ),
        ),
    ),
    Alert(
        "RlvrRunGone",
        "max_over_time(rlvr_train_active[30m]) == 1 unless rlvr_train_active",
        "critical",
        "{{ $labels.run }} was training and can't be scraped any more",
        "dead-man",
        wait="5m",
        examples=(
            Example(
                {'rlvr_train_active{run="r"}': "1x20 _x15 1x60"},
                fires=(32,),
                quiet=(15, 60),
                labels=_RUN,
            ),
            Example({'rlvr_train_active{run="r"}': "1x20 0x5 _x60"}, quiet=(15, 70)),
        ),
    ),
    Alert(
        "RlvrGroupsTeachNothing",
        "run:rlvr_train_group_mixed:ratio_rate30m < 0.1",
        "warning",
        "{{ $labels.run }}: only {{ $value | humanizePercentage }} of the groups teach anything",
        "groups_alike",
        wait="15m",
        examples=(
            Example(
                {
                    'rlvr_train_group_state_total{run="r",state="mixed"}': "0+0x90 0+50x90",
                    'rlvr_train_group_state_total{run="r",state="all_right"}': "0+50x90 4500+0x90",
                },
                fires=(50, 90),
                quiet=(5, 120),
                labels=_RUN,
            ),
        ),
    ),
    Alert(
        "RlvrInputDrift",
        'max by (signal) (rlvr_drift_alarm{kind="input"}) == 1',
        "info",
        "what is asked has changed: {{ $labels.signal }}",
        "drift-in-production",
        wait="5m",
        examples=(
            Example(
                {_drift("prompt_mix", "ngram_means", "input"): ("0x10 1x20 0x20")},
                fires=(17, 30),
                quiet=(5, 40),
                labels={"signal": "prompt_mix"},
            ),
        ),
    ),
    Alert(
        "RlvrPolicyDrift",
        'max by (signal) (rlvr_drift_alarm{kind!="input"}) == 1 '
        'unless on () (max(rlvr_drift_alarm{kind="input",detector!="same_tasks"}) == 1)',
        "warning",
        "on the same input the policy or the verifier has changed: {{ $labels.signal }}",
        "drift-in-production",
        wait="5m",
        examples=(
            Example(
                {_drift("pass_rate", "permutation", "policy"): ("0x10 1x20 0x20")},
                fires=(17, 30),
                quiet=(5, 40),
                labels={"signal": "pass_rate"},
            ),
            Example(
                {
                    _drift("pass_rate", "permutation", "policy"): "1x60",
                    _drift("prompt_mix", "ngram_means", "input"): "1x60",
                },
                quiet=(30, 59),
            ),
        ),
    ),
    Alert(
        "RlvrDriftNotTested",
        "time() - rlvr_drift_last_check_timestamp_seconds > 86400",
        "warning",
        "drift was last tested {{ $value | humanizeDuration }} ago",
        "drift-in-production",
        examples=(
            Example(
                {"rlvr_drift_last_check_timestamp_seconds": "-82800x90 5400x60"},
                fires=(61, 90),
                quiet=(30, 120),
            ),
        ),
    ),
    Alert(
        "RlvrServerErrors",
        "route:rlvr_http_errors:ratio_rate5m > 0.05",
        "critical",
        "{{ $value | humanizePercentage }} of the requests to {{ $labels.route }} fail",
        "servers",
        wait="2m",
        examples=(
            Example(
                {
                    'rlvr_http_requests_total{route="/v1/score",method="POST",status="200"}': (
                        "0+50x30 1500+100x30"
                    ),
                    'rlvr_http_requests_total{route="/v1/score",method="POST",status="500"}': (
                        "0+50x30 1500+0x30"
                    ),
                },
                fires=(10, 30),
                quiet=(2, 40),
                labels={"route": "/v1/score"},
            ),
        ),
    ),
    Alert(
        "RlvrServerNotReady",
        "rlvr_server_ready == 0",
        "warning",
        "a server has not been ready for ten minutes",
        "servers",
        wait="10m",
        examples=(
            Example({"rlvr_server_ready": "1x5 0x25 1x20"}, fires=(17, 29), quiet=(3, 10, 40)),
        ),
    ),
)


def rule_file(docs: str = DOCS) -> dict[str, Any]:
    """The content of `rlvr-rules.yml`; each alert links to its heading in the page `docs`."""
    records = [{"record": one.name, "expr": one.expr} for one in RECORDS]
    alerts = [
        {
            "alert": one.name,
            "expr": one.expr,
            "for": one.wait,
            "labels": {"severity": one.severity},
            "annotations": {"summary": one.summary, "runbook_url": f"{docs}#{one.anchor}"},
        }
        for one in ALERTS
    ]
    return {
        "groups": [
            {"name": "rlvr-records", "interval": "1m", "rules": records},
            {"name": "rlvr-alerts", "interval": "1m", "rules": alerts},
        ]
    }


def example_file(rules: str) -> dict[str, Any]:
    """What `promtool test rules` runs: every example of every alert."""
    tests = []
    for alert in ALERTS:
        for example in alert.examples:
            series = [{"series": name, "values": values} for name, values in example.series.items()]
            firing = f'ALERTS{{alertname="{alert.name}",alertstate="firing"}}'
            expected = [
                {
                    "eval_time": f"{minute}m",
                    "expr": firing,
                    "exp_samples": [{"labels": _labels(alert, example), "value": 1}]
                    if fires
                    else [],
                }
                for fires, minutes in ((True, example.fires), (False, example.quiet))
                for minute in minutes
            ]
            tests.append({"interval": "1m", "input_series": series, "promql_expr_test": expected})
    return {"rule_files": [rules], "evaluation_interval": "1m", "tests": tests}


def _labels(alert: Alert, example: Example) -> str:
    labels = {"alertname": alert.name, "alertstate": "firing", "severity": alert.severity}
    pairs = ",".join(f'{name}="{value}"' for name, value in {**labels, **example.labels}.items())
    return f"ALERTS{{{pairs}}}"
