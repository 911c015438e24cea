"""Prometheus reads a run, its rules do what their examples say, the dashboard names what exists."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from rlvr_monitor.health.advice import WHAT_TO_DO
from rlvr_monitor.metrics.command import monitor_files_command, write_files
from rlvr_monitor.metrics.contract import METRICS
from rlvr_monitor.metrics.dashboard import dashboard, expressions
from rlvr_monitor.metrics.exporter import Exporter, group_state, outcome, prometheus
from rlvr_monitor.metrics.rules import ALERTS, RECORDS

from rlvr_ops_core import Event, OptionError, Sample, Task, Verdict
from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.pipeline import run_pipeline
from rlvr_ops_core.testing import check_monitor

MONITORING = Path(__file__).resolve().parents[3] / "docs/monitoring.md"
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus"
)
NAME = re.compile(r"\b(rlvr_[a-z0-9_]+|[a-z]+:rlvr_[a-z0-9_:]+)\b")


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def promtool(*arguments, cwd):
    done = subprocess.run(
        ["promtool", *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def series_of(expr):
    """The metrics that an expression reads, label values left out."""
    return set(NAME.findall(re.sub(r'"[^"]*"', '""', expr)))


def test_the_exporter_is_a_monitor_as_the_core_wants_it():
    check_monitor(prometheus, port=0)


def test_what_it_exports_is_the_contract():
    exporter = Exporter("127.0.0.1", 0)
    try:
        text = get(exporter.url)
    finally:
        exporter.close()
    kinds = dict(re.findall(r"^# TYPE (rlvr_\w+) (\w+)$", text, re.MULTILINE))
    wanted = {one.name: one.kind for one in METRICS if one.exporter in ("run", "both")}
    assert {name: kind for name, kind in kinds.items() if not name.endswith("_created")} == wanted


def test_a_taken_port_is_an_error_with_a_hint():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OptionError, match="can't listen"):
            prometheus(port=taken.getsockname()[1])


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict(1.0), "pass"),
        (Verdict(0.0), "fail"),
        (Verdict(0.4), "partial"),
        (Verdict(None, "timeout"), "timeout"),
    ],
)
def test_outcomes_have_one_word_each(verdict, expected):
    assert outcome(verdict) == expected


def test_groups_are_told_apart():
    groups = [[1.0, 1.0], [0.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    assert list(map(group_state, groups)) == ["all_right", "all_wrong", "tie", "mixed"]


def test_series_stay_few_whatever_a_reward_is_called():
    exporter = Exporter("127.0.0.1", 0)
    try:
        for n in range(200):
            samples = [
                Sample(Task("t", "p"), "a", group="g", index=i, finish=f"odd {n}") for i in (0, 1)
            ]
            verdicts = [Verdict(1.0, ref=f"p/reward{n}@1#x")] * 2
            data = {"samples": samples, "verdicts": verdicts}
            exporter.see(Event("rollouts", "run", "policy", n, data))
        text = get(exporter.url)
    finally:
        exporter.close()
    assert sum(not line.startswith("#") for line in text.splitlines()) < 700
    assert 'reward="other"' in text
    assert "odd" not in text


def test_the_command_writes_all_files(tmp_path):
    done = CliRunner().invoke(monitor_files_command, [str(tmp_path / "out"), "--target", "h:1"])
    assert done.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "prometheus.yml",
        "rlvr-dashboard.json",
        "rlvr-rules-test.yml",
        "rlvr-rules.yml",
    ]
    config = yaml.safe_load((tmp_path / "out/prometheus.yml").read_text())
    assert config["scrape_configs"][0]["static_configs"] == [{"targets": ["h:1"]}]


def headings():
    """The anchors of docs/monitoring.md, as Git hosts make them of its headings."""
    found = re.findall(r"^#+ (.+)$", MONITORING.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in found}


def test_every_alert_leads_to_a_heading_that_says_what_to_do(tmp_path):
    write_files(tmp_path, ("h:1",), docs="https://docs.example/monitoring")
    rules = yaml.safe_load((tmp_path / "rlvr-rules.yml").read_text())["groups"][1]["rules"]
    for rule in rules:
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == "https://docs.example/monitoring"
        named = WHAT_TO_DO if anchor == "{{ $labels.detector }}" else [anchor]
        assert set(named) <= headings(), rule["alert"]


def test_the_page_has_every_detector_with_its_advice_every_alert_and_every_metric():
    page = " ".join(MONITORING.read_text().split())
    for detector, advice in WHAT_TO_DO.items():
        assert f"### {detector} " in page
        assert advice in page
    for name in [one.name for one in METRICS] + [one.name for one in ALERTS]:
        assert f"`{name}`" in page


def test_every_alert_has_examples_that_fire_stay_quiet_and_recover():
    for alert in ALERTS:
        assert any(example.fires for example in alert.examples), alert.name
        recovers = [
            example
            for example in alert.examples
            if example.fires and max(example.quiet, default=-1) > max(example.fires)
        ]
        assert recovers, alert.name
        quiet = [
            example
            for example in alert.examples
            if example.quiet and (not example.fires or min(example.quiet) < min(example.fires))
        ]
        assert quiet, alert.name


def test_rules_and_dashboard_name_only_metrics_that_exist():
    known = {name for metric in METRICS for name in metric.series}
    known |= {record.name for record in RECORDS}
    used = [*expressions(), *(one.expr for one in RECORDS), *(one.expr for one in ALERTS)]
    for expr in used:
        assert series_of(expr), expr
        assert series_of(expr) <= known, expr


def test_a_panel_in_seconds_shows_seconds():
    for panel in dashboard()["panels"]:
        if panel["type"] == "timeseries" and panel["fieldConfig"]["defaults"]["unit"] == "s":
            assert all("seconds" in target["expr"] for target in panel["targets"])


@needs_promtool
def test_promtool_accepts_configuration_rules_and_examples(tmp_path):
    write_files(tmp_path, ("127.0.0.1:9464",))
    for command in (
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rlvr-rules.yml"),
        ("test", "rules", "rlvr-rules-test.yml"),
    ):
        code, said = promtool(*command, cwd=tmp_path)
        assert code == 0, said


@needs_promtool
def test_the_examples_notice_an_alert_that_never_fires(tmp_path):
    write_files(tmp_path, ("127.0.0.1:9464",))
    rules = yaml.safe_load((tmp_path / "rlvr-rules.yml").read_text())
    for rule in rules["groups"][1]["rules"]:
        rule["expr"] = f"({rule['expr']}) and on () vector(1) == 2"
    (tmp_path / "rlvr-rules.yml").write_text(yaml.safe_dump(rules))
    code, said = promtool("test", "rules", "rlvr-rules-test.yml", cwd=tmp_path)
    assert code != 0
    for alert in ALERTS:
        assert f'alertname="{alert.name}"' in said


@needs_promtool
def test_every_expression_of_the_dashboard_compiles(tmp_path):
    rules = [{"record": f"panel:{n}", "expr": expr} for n, expr in enumerate(expressions())]
    (tmp_path / "panels.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]})
    )
    code, said = promtool("check", "rules", "panels.yml", cwd=tmp_path)
    assert code == 0, said
    assert f"{len(rules)} rules found" in said


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="needs prometheus: apt-get install prometheus"
)
def test_a_real_prometheus_scrapes_a_run_and_its_alert_fires(write_pipeline, tmp_path):
    port, server_port = free_port(), free_port()
    monitors = {
        "health": {"use": "monitor/health"},
        "metrics": {"use": "monitor/prometheus", "port": port},
    }
    file = write_pipeline(monitors, steps=150, nan_at=40, pause_s=0.3)
    write_files(tmp_path / "etc", (f"127.0.0.1:{port}",))
    config = tmp_path / "etc/prometheus.yml"
    text = config.read_text().replace("15s", "500ms").replace("1m", "500ms")
    config.write_text(text)
    rules = tmp_path / "etc/rlvr-rules.yml"
    rules.write_text(rules.read_text().replace("interval: 1m", "interval: 500ms"))
    over = threading.Event()

    def stop_when_over(event):
        if over.is_set():
            raise KeyboardInterrupt

    def train():
        with contextlib.suppress(KeyboardInterrupt):
            run_pipeline(check_pipeline(file), tmp_path / "run", show=[stop_when_over])

    run = threading.Thread(target=train)
    with (tmp_path / "prometheus.log").open("w") as log:
        server = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{server_port}",
            ],
            stdout=log,
            stderr=log,
        )
    run.start()
    try:
        base = f"http://127.0.0.1:{server_port}/api/v1"
        steps = ask_until(f"{base}/query", "rlvr_train_step > 2")
        assert steps[0]["metric"]["run"] == "toy"
        counts = ask_until(f"{base}/query", 'rlvr_verifications_total{outcome="pass"} > 0')
        assert counts[0]["metric"]["reward"] == "toy/ends"
        firing = ask_until(
            f"{base}/query", 'ALERTS{alertname="RlvrHealthCritical",alertstate="firing"}'
        )
        assert firing[0]["metric"]["detector"] == "nan_loss"
    finally:
        over.set()
        server.terminate()
        server.wait(timeout=30)
        run.join(timeout=60)


def ask_until(url, query, seconds=60):
    """The first answer that holds a series."""
    deadline = time.monotonic() + seconds
    address = f"{url}?{urllib.parse.urlencode({'query': query})}"
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            found = json.loads(get(address))["data"]["result"]
            if found:
                return found
        time.sleep(0.3)
    raise AssertionError(f"nothing for {query} in {seconds} s")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
