"""A reward server as a stage of a pipeline: it serves until it is told to stop."""

import json
import subprocess
import sys
import urllib.request

import rlvr_serve

from rlvr_ops_core.testing import check_server

PIPELINE = """
name: judge
plugins: [toy.py]
data:
  tasks: {use: toy/tasks}
stages:
  - {train: policy, use: toy/nothing, data: tasks}
  - {serve: policy, use: serve/rewards, rewards: [text/exact], port: 0, drain_delay_s: 0.0}
"""
TOY = """
from rlvr_ops_core import Task, hookimpl

def tasks():
    return [Task("6 * 7?", "42")]

def nothing(job):
    job.output.mkdir(parents=True, exist_ok=True)
    (job.output / "weights").write_text("none")

@hookimpl
def rlvr_data_sources():
    return {"tasks": tasks}

@hookimpl
def rlvr_trainers():
    return {"nothing": nothing}
"""


def test_a_server_of_rewards_is_one_as_the_core_wants_it():
    server = rlvr_serve.rlvr_servers()["rewards"]
    options = {"rewards": ["text/exact"], "port": 0, "drain_delay_s": 0.0}
    body = json.loads(check_server(server, "none", path="/v1/rewards", **options))
    assert [one["name"] for one in body["rewards"]] == ["text/exact"]


def test_a_pipeline_serves_rewards_until_sigterm(tmp_path):
    (tmp_path / "toy.py").write_text(TOY)
    (tmp_path / "judge.yaml").write_text(PIPELINE)
    run = subprocess.Popen(
        [sys.executable, "-m", "rlvr_ops_core", "run", "judge.yaml"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = next((line for line in run.stdout if "http://" in line), "")
        url = said[said.index("http://") :].split()[0]
        body = json.dumps({"items": [{"completion": "42", "answer": "42"}]}).encode()
        request = urllib.request.Request(
            url + "/v1/score", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            assert json.load(response)["results"][0]["value"] == 1.0
    finally:
        run.terminate()
        rest, _ = run.communicate(timeout=60)
    assert run.returncode == 0, rest
