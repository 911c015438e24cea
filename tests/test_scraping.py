"""A real Prometheus scrapes a GRPO training and a reward server: both say what they should."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("prometheus") is None, reason="needs prometheus: apt-get install prometheus"
    ),
]
DEADLINE_S = 240
TINY = {
    "name": "scraped",
    "plugins": ["words.py"],
    "data": {"practice": {"use": "words/prompts"}},
    "rewards": {"even": {"use": "words/even"}},
    "stages": [
        {
            "train": "blank",
            "use": "grpo/scratch",
            "family": "llama",
            "hidden_size": 32,
            "layers": 1,
            "heads": 2,
            "feed_forward": 64,
            "context": 32,
            "vocabulary": ["=", "0..9"],
        },
        {
            "train": "policy",
            "use": "grpo/grpo",
            "start": "blank",
            "data": "practice",
            "rewards": ["even"],
            "steps": 5000,
            "prompts_per_step": 2,
            "group_size": 4,
            "max_new_tokens": 8,
            "beta": 0.01,
            "threads": 1,
        },
    ],
}
WORDS = """
import rlvr_ops_core as rlvr

def prompts(*, split="train", limit=20):
    for n in range(limit):
        yield rlvr.Task(id=f"t{n}", prompt=f"{n % 10} =", answer="")

@rlvr.reward(inline=True)
def even(sample):
    return len(sample.text.split()) % 2 == 0

@rlvr.hookimpl
def rlvr_rewards():
    return {"even": even}

@rlvr.hookimpl
def rlvr_data_sources():
    return {"prompts": prompts}
"""
RUN = {
    "rlvr_build_info",
    "rlvr_train_active",
    "rlvr_train_step",
    "rlvr_train_last_step_timestamp_seconds",
    "rlvr_train_reward",
    "rlvr_train_loss",
    "rlvr_train_entropy_nats",
    "rlvr_train_kl_nats",
    "rlvr_train_grad_norm",
    "rlvr_train_completion_tokens",
    "rlvr_train_truncated_ratio",
    "rlvr_train_groups_alike_ratio",
    "rlvr_train_no_verdict_ratio",
    "rlvr_train_group_state_total",
    "rlvr_verifications_total",
    "rlvr_verification_seconds_bucket",
    "rlvr_completions_total",
    "rlvr_completion_tokens_bucket",
}
SERVER = {
    "rlvr_build_info",
    "rlvr_http_requests_total",
    "rlvr_http_request_seconds_bucket",
    "rlvr_http_requests_in_flight",
    "rlvr_requests_waiting",
    "rlvr_server_ready",
    "rlvr_verifications_total",
    "rlvr_verification_seconds_bucket",
}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def running(command, folder, name):
    """A process that is ended with the block; its output is kept in a file."""
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ask(url, query):
    address = f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)["data"]["result"]


def until(condition, what, folder):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if found := condition():
                return found
        time.sleep(0.5)
    logs = [f"{file.name}: {file.read_text()[-1500:]}" for file in folder.glob("*.log")]
    raise AssertionError("\n".join([f"{what} did not come in {DEADLINE_S} s", *logs]))


def score(address):
    body = json.dumps({"reward": "text/exact", "items": [{"completion": "a", "answer": "a"}]})
    request = urllib.request.Request(
        f"{address}/v1/score", body.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_a_real_prometheus_scrapes_a_training_and_a_reward_server(tmp_path: Path):
    run, server, prometheus = (f"127.0.0.1:{free_port()}" for _ in range(3))
    at = f"http://{prometheus}"
    (tmp_path / "words.py").write_text(WORDS)
    monitors = {
        "health": {"use": "monitor/health"},
        "metrics": {"use": "monitor/prometheus", "port": int(run.partition(":")[2])},
    }
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(TINY | {"monitors": monitors}))
    rlvr = [sys.executable, "-m", "rlvr_ops_core"]
    targets = ["--target", run, "--target", server]
    subprocess.run([*rlvr, "monitor-files", "etc", *targets], cwd=tmp_path, check=True, timeout=120)
    config = tmp_path / "etc/prometheus.yml"
    config.write_text(config.read_text().replace("scrape_interval: 15s", "scrape_interval: 1s"))
    train = [*rlvr, "run", "pipeline.yaml", "--output", "run"]
    serve = [*rlvr, "serve", "--reward", "text/exact", "--port", server.partition(":")[2]]
    scrape = ["prometheus", "--config.file=etc/prometheus.yml", "--storage.tsdb.path=data"]
    scrape += [f"--web.listen-address={prometheus}"]
    with (
        running(train, tmp_path, "train"),
        running([*serve, "--drain-delay-s", "0"], tmp_path, "serve"),
        running(scrape, tmp_path, "prometheus"),
    ):
        until(lambda: score(f"http://{server}"), "a verdict of the server", tmp_path)
        for target, names in ((run, RUN), (server, SERVER)):
            until(
                lambda target=target: ask(
                    f"http://{prometheus}", f'up{{instance="{target}"}} == 1'
                ),
                f"{target} being up",
                tmp_path,
            )

            def all_there(target=target, names=names):
                found = ask(f"http://{prometheus}", f'{{instance="{target}",__name__=~"rlvr_.+"}}')
                return names <= {one["metric"]["__name__"] for one in found}

            until(all_there, f"all of {sorted(names)}", tmp_path)
        steps = until(lambda: ask(at, "rlvr_train_step > 3"), "the fourth step", tmp_path)
    assert steps[0]["metric"]["run"] == "scraped"
