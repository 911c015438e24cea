"""A newer policy takes over, and a server stops, without a lost request."""

import json
import shutil
import signal
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from policy_servers import client_of, served  # beside this file
from rlvr_serve.policies.targets import locate, name_of, version_of
from serve_processes import Server
from tiny_policy import make_policy

from rlvr_ops_core import ModelError, RlvrError

openai = pytest.importorskip("openai", reason="pip install openai")

ADMIN = "another-secret-token-1"
TOKENS = f"alice: a-long-and-secret-token\nadmin-bob: {ADMIN}\n"
LONG = {"prompt": "abc", "max_tokens": 150, "extra_body": {"ignore_eos": True}}


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    """Two policies that answer differently."""
    folder = tmp_path_factory.mktemp("two")
    return [make_policy(folder / name, seed=seed) for seed, name in enumerate(("old", "new"))]


def replace(client, body):
    url = str(client.base_url).removesuffix("v1/") + "admin/policy"
    return client.post(url, body=body, cast_to=object)


def test_a_swap_under_load_loses_no_request(policies, tmp_path):
    (tmp_path / "tokens").write_text(TOKENS)
    old, new = policies
    with served(old, token_file=tmp_path / "tokens") as (client, app):
        client = client.with_options(api_key=ADMIN)
        greedy = {"model": "tiny", "prompt": "abc", "max_tokens": 8, "temperature": 0}
        answers, failures = [], []
        is_over = threading.Event()

        def ask_again_and_again():
            while not is_over.is_set():
                try:
                    answer = client.completions.create(**greedy)
                    answers.append((answer.system_fingerprint, answer.choices[0].text))
                except openai.OpenAIError as error:
                    failures.append(error)

        first = app.state.host.engine
        stream = client.completions.create(model="tiny", **LONG, stream=True)
        chunks = [next(iter(stream))]
        threads = [threading.Thread(target=ask_again_and_again) for _ in range(6)]
        for thread in threads:
            thread.start()
        for target in (new, old, new):
            assert replace(client, {"policy": str(target)})["swapped"] is True
        chunks += stream
        is_over.set()
        for thread in threads:
            thread.join()
        assert failures == []
        # each answer is one policy's from beginning to end
        assert len({version for version, _ in answers}) == 2 == len(set(answers))
        assert {chunk.system_fingerprint for chunk in chunks} == {first.version}
        assert chunks[-1].choices[0].finish_reason == "length"
        assert client.completions.create(**greedy).system_fingerprint == version_of(str(new))
        until = time.monotonic() + 60
        while first._worker._thread.is_alive():
            assert time.monotonic() < until, "the old engine is still there"
            time.sleep(0.02)


def test_a_policy_that_does_not_load_changes_nothing(policies, tmp_path):
    (tmp_path / "tokens").write_text(TOKENS)
    torn = tmp_path / "torn"
    shutil.copytree(policies[1], torn)
    (torn / "model.safetensors").write_bytes(b"\x00" * 100)
    with served(policies[0], token_file=tmp_path / "tokens") as (client, app):
        client = client.with_options(api_key=ADMIN)
        for body in ({"policy": str(torn)}, {"policy": str(tmp_path)}, {"policy": "no such/one/"}):
            with pytest.raises(openai.UnprocessableEntityError) as refused:
                replace(client, body)
            assert "what was served before still is" in refused.value.body["detail"]
        assert replace(client, {})["swapped"] is False
        client.completions.create(model="tiny", prompt="a", max_tokens=1)
        swaps = app.state.host.counts.swaps
        assert (swaps["done"], swaps["failed"]) == (0, 1)


def test_only_an_admins_token_swaps(policies, tmp_path):
    (tmp_path / "tokens").write_text(TOKENS)
    with served(policies[0], token_file=tmp_path / "tokens") as (client, _):
        with pytest.raises(openai.PermissionDeniedError):
            replace(client.with_options(api_key="a-long-and-secret-token"), {})
        with pytest.raises(openai.AuthenticationError):
            replace(client, {})
    with served(policies[0]) as (client, _), pytest.raises(openai.PermissionDeniedError):
        replace(client, {})


def make_run(folder, *, stages):
    """A run's folder as the core and the trainers leave it."""
    rows = [
        {"name": name, "folder": f"stages/{number:02d}-{name}", "verb": verb}
        for number, (name, verb) in enumerate(stages, start=1)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps({"name": "run", "stages": rows}))
    return [folder / row["folder"] for row in rows]


def make_checkpoint(stage, step, policy):
    """A sealed checkpoint."""
    folder = stage / "checkpoints" / f"checkpoint-{step}"
    shutil.copytree(policy, folder)
    sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
    (folder / "complete.json").write_text(json.dumps(sizes))
    return folder


def test_of_a_run_the_last_model_is_served_or_its_newest_whole_checkpoint(policies, tmp_path):
    run = tmp_path / "run"
    warm, _, grpo = make_run(
        run, stages=[("warm", "train"), ("look", "evaluate"), ("policy", "train")]
    )
    with pytest.raises(ModelError, match="no policy yet"):
        locate(str(run))
    shutil.copytree(policies[0], warm / "model")
    assert Path(locate(str(run))) == warm / "model"
    ninth, tenth = (make_checkpoint(grpo, step, policies[1]) for step in (9, 10))
    assert Path(locate(str(run))) == tenth
    (tenth / "model.safetensors").write_bytes(b"")  # torn by a kill
    assert Path(locate(str(run))) == ninth
    shutil.copytree(policies[1], grpo / "model")
    assert Path(locate(str(run))) == grpo / "model"
    assert Path(locate(str(warm))) == warm / "model"
    assert [name_of(str(path)) for path in (run, grpo / "model")] == ["run", "policy"]
    assert locate("owner/model") == "owner/model"
    for wrong in ("./nothing", "a/b/c", "../x"):
        with pytest.raises(RlvrError, match="no model"):
            locate(wrong)


@pytest.mark.slow
def test_a_run_is_served_follows_its_checkpoints_and_drains(policies, tmp_path, start):
    """`rlvr serve RUN` in a process: SIGHUP brings the next checkpoint, SIGTERM cuts nobody off."""
    (stage,) = make_run(tmp_path / "run", stages=[("policy", "train")])
    make_checkpoint(stage, 1, policies[0])
    options = ("--threads", "1", "--access-log", "", "--drain-delay-s", "1")
    server: Server = start(tmp_path / "run", *options)
    with client_of(server.url) as client:
        (before,) = client.models.list().data
        assert before.id == "run"
        make_checkpoint(stage, 2, policies[1])
        server.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 120
        while (after := client.models.list().data[0]).version == before.version:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert after.root.endswith("checkpoint-2")
        stream = client.completions.create(model="run", **LONG, stream=True)
        chunks = [next(iter(stream))]
        server.signal()
        time.sleep(0.3)
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(server.url + "/readyz", timeout=30)
        late = client.completions.create(model="run", prompt="a", max_tokens=2)
        assert late.usage.completion_tokens == 2  # still taken while balancers learn
        chunks += stream
        assert chunks[-1].choices[0].finish_reason == "length"
    code, errors = server.end()
    assert code == 0, errors
    assert "checkpoint-2" in errors  # it said what it serves
