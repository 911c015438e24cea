"""OpenAI's own client, as it is, talks to a policy server."""

import json
import threading
import time
import urllib.error
import urllib.request

import pytest
import rlvr_serve
from policy_servers import served  # beside this file

from rlvr_ops_core.testing import check_server

openai = pytest.importorskip("openai", reason="pip install openai")

HELLO = [{"role": "user", "content": "hello"}]
TOKENS = "alice: a-long-and-secret-token\nadmin: another-secret-token-1\n"


@pytest.fixture(scope="module")
def client(policy):
    with served(policy, rewards=["text/exact"]) as (client, _):
        yield client
        client.close()


def test_the_model_is_listed_and_found(client):
    (model,) = client.models.list().data
    assert (model.id, model.owned_by) == ("tiny", "rlvr-ops")
    assert client.models.retrieve("tiny").id == "tiny"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("huge")


def test_chat_answers_and_counts(client):
    answer = client.chat.completions.create(
        model="tiny", messages=HELLO, max_completion_tokens=12, temperature=0
    )
    (choice,) = answer.choices
    assert answer.object == "chat.completion"
    assert (choice.message.role, choice.finish_reason) == ("assistant", "length")
    assert choice.message.content
    prompt = len("<user>hello<assistant>")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (prompt, 12)
    assert answer.usage.total_tokens == prompt + 12
    parts = [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]
    again = client.chat.completions.create(
        model="tiny",
        messages=[{"role": "user", "content": parts}],
        max_tokens=12,
        temperature=0,
    )
    assert again.choices[0].message.content == choice.message.content


def test_a_chat_streams_with_role_text_finish_and_usage(client):
    settings = {"model": "tiny", "messages": HELLO, "max_tokens": 20, "seed": 3}
    whole = client.chat.completions.create(**settings)
    stream = client.chat.completions.create(
        **settings, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    said = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert said == whole.choices[0].message.content
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "length"
    assert chunks[-1].usage == whole.usage
    assert len({one.id for one in chunks}) == 1
    plain = list(client.chat.completions.create(**settings, stream=True))
    assert all(one.choices and one.usage is None for one in plain)


def test_completions_take_texts_and_tokens_one_or_several(client):
    settings = {"model": "tiny", "max_tokens": 8, "temperature": 0}
    text = client.completions.create(prompt="abc", **settings)
    both = client.completions.create(prompt=["abc", "xyz"], n=2, **settings)
    assert [choice.index for choice in both.choices] == [0, 1, 2, 3]
    assert both.choices[0].text == both.choices[1].text == text.choices[0].text
    assert both.choices[2].text == both.choices[3].text
    assert both.usage.prompt_tokens == 6
    ids = [one + 1 for one in range(3)]
    tokens = client.completions.create(prompt=ids, **settings)
    nested = client.completions.create(prompt=[ids], **settings)
    assert tokens.choices[0].text == nested.choices[0].text


def test_n_gives_different_answers_and_a_seed_the_same_again(client):
    def ask(seed):
        answer = client.chat.completions.create(
            model="tiny", messages=HELLO, n=4, seed=seed, max_tokens=16
        )
        return [choice.message.content for choice in answer.choices]

    assert ask(1) == ask(1)
    assert len(set(ask(1))) == 4
    assert ask(1) != ask(2)


def test_logprobs_are_those_of_the_tokens_taken(client):
    answer = client.chat.completions.create(
        model="tiny", messages=HELLO, max_tokens=6, temperature=0, logprobs=True, top_logprobs=3
    )
    content = answer.choices[0].logprobs.content
    assert len(content) == 6
    for token in content:
        assert len(token.top_logprobs) == 3
        assert token.top_logprobs[0].logprob == token.logprob <= 0  # the likeliest was taken
        assert token.top_logprobs[0].logprob >= token.top_logprobs[1].logprob


def test_tokens_that_read_alike_all_keep_their_logprobs(client):
    text = client.completions.create(
        model="tiny", prompt="abc", max_tokens=20, temperature=0, logprobs=5
    )
    told = text.choices[0].logprobs
    assert len(told.tokens) == len(told.token_logprobs) == len(told.text_offset) == 20
    assert all(len(top) == 5 for top in told.top_logprobs)
    # half of this policy's tokens are parts of characters, and read alike
    assert any(name.startswith("token_id:") for top in told.top_logprobs for name in top)
    for token, logprob, top in zip(
        told.tokens, told.token_logprobs, told.top_logprobs, strict=True
    ):
        assert top[token] == logprob == max(top.values())


def test_a_stop_string_ends_the_answer_and_is_no_part_of_it(client):
    settings = {"model": "tiny", "prompt": "abc", "seed": 1, "max_tokens": 60}
    whole = client.completions.create(**settings).choices[0].text
    stop = whole[7:9]
    answer = client.completions.create(**settings, stop=[stop]).choices[0]
    assert (answer.text, answer.finish_reason) == (whole[: whole.find(stop)], "stop")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"model": "huge"}, 404, "model_not_found"),
        ({"messages": []}, 400, "invalid_request"),
        ({"messages": "hello"}, 400, "invalid_request"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, 400, "chat_template"),
        ({"messages": [{"role": "user", "content": "x" * 300}]}, 400, "context_length_exceeded"),
        ({"temperature": 3}, 400, "invalid_request"),
        ({"temperature": "hot"}, 400, "invalid_request"),
        ({"max_tokens": -5}, 400, "invalid_request"),
        ({"n": 0}, 400, "invalid_request"),
        ({"top_logprobs": 3}, 400, "invalid_request"),
        ({"presence_penalty": 1.0}, 400, "unsupported_field"),
        ({"stop": [""]}, 400, "invalid_request"),
    ],
)
def test_mistakes_are_errors_that_the_client_knows(client, fields, status, code):
    extra = {"model": "tiny", "messages": HELLO, "max_tokens": 2} | fields
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(**extra)
    error = refused.value
    assert (error.status_code, error.code) == (status, code)
    assert error.type == "invalid_request_error"
    assert isinstance(error, openai.NotFoundError if status == 404 else openai.BadRequestError)
    answer = client.chat.completions.create(model="tiny", messages=HELLO, max_tokens=2)
    assert answer.usage.completion_tokens == 2


def test_a_mistake_in_a_request_for_a_stream_is_a_status_too(client):
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model="tiny", prompt="x" * 300, stream=True)


def test_without_the_token_nobody_comes_in(policy, tmp_path):
    (tmp_path / "tokens").write_text(TOKENS)
    with served(policy, token_file=tmp_path / "tokens") as (client, _):
        with pytest.raises(openai.AuthenticationError) as refused:
            client.models.list()
        assert refused.value.code == "invalid_token"
        known = client.with_options(api_key="a-long-and-secret-token")
        assert known.models.list().data[0].id == "tiny"


def test_a_full_queue_is_a_429_that_says_when_to_come_again(policy):
    limits = {"at_once": 1, "queue": 1, "client_share": 1.0}
    with served(policy, rows=1, **limits) as (client, app):
        outcomes = []

        def one():
            try:
                client.completions.create(
                    model="tiny", prompt="a", max_tokens=200, extra_body={"ignore_eos": True}
                )
                outcomes.append("done")
            except openai.RateLimitError as error:
                outcomes.append((error.code, int(error.response.headers["retry-after"]) >= 1))

        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes.count("done") >= 2
        assert outcomes.count(("queue_full", True)) == 8 - outcomes.count("done") > 0
        assert app.state.web.admission.tickets == 0


def test_a_client_that_hangs_up_mid_stream_frees_its_row(policy):
    with served(policy, rows=1) as (client, app):
        stream = client.completions.create(
            model="tiny",
            prompt="a",
            max_tokens=250,
            stream=True,
            extra_body={"ignore_eos": True},
        )
        next(iter(stream))
        stream.close()
        client.completions.create(model="tiny", prompt="a", max_tokens=2)
        until = time.monotonic() + 60
        while app.state.host.engine.numbers()["running"] or app.state.web.admission.running:
            assert time.monotonic() < until
            time.sleep(0.02)


def test_the_probes_and_the_metrics_know_the_policy(policy):
    with served(policy) as (client, app):
        client.completions.create(model="tiny", prompt="abc", max_tokens=5)
        url = str(client.base_url).removesuffix("/v1/")
        with urllib.request.urlopen(url + "/readyz", timeout=30) as ready:
            assert ready.status == 200
        with urllib.request.urlopen(url + "/metrics", timeout=30) as response:
            lines = dict(
                line.rsplit(" ", 1)
                for line in response.read().decode().splitlines()
                if line.startswith("rlvr_policy")
            )
        assert lines['rlvr_policy_tokens_total{kind="prompt"}'] == "3.0"
        assert lines['rlvr_policy_tokens_total{kind="completion"}'] == "5.0"
        assert lines['rlvr_policy_answers_total{finish="length"}'] == "1.0"
        version = app.state.host.engine.version
        assert lines[f'rlvr_policy_info{{model="tiny",version="{version}"}}'] == "1.0"
        app.state.web.trouble = "a test generation failed"
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(url + "/readyz", timeout=30)


def test_a_policy_is_served_as_a_stage_of_a_pipeline(policy):
    options = {"port": 0, "threads": 1, "drain_delay_s": 0.0, "model_name": "tiny"}
    server = rlvr_serve.rlvr_servers()["policy"]
    body = check_server(server, str(policy), path="/v1/models", **options)
    assert json.loads(body)["data"][0]["id"] == "tiny"


def test_a_verified_answer_is_the_best_of_those_sampled(client):
    settings = {"model": "tiny", "prompt": "abc", "seed": 1, "max_tokens": 1}
    texts = [choice.text for choice in client.completions.create(**settings, n=8).choices]
    asked = {"reward": "text/exact", "best_of": 8, "answer": texts[5]}
    answer = client.completions.create(**settings, extra_body=asked)
    (choice,) = answer.choices
    assert choice.text == texts[5]
    assert choice.verdict["value"] == 1.0
    assert choice.verdict["ref"].startswith("text/exact@")
    assert answer.verification["sampled"] == 8
    assert answer.verification["values"][5] == 1.0
    assert answer.usage.completion_tokens == 8
    chat = client.chat.completions.create(
        model="tiny",
        messages=HELLO,
        n=2,
        max_tokens=4,
        extra_body={"reward": "text/exact", "best_of": 4, "answer": "no such answer"},
    )
    assert [one.verdict["value"] for one in chat.choices] == [0.0, 0.0]
    assert [one.index for one in chat.choices] == [0, 1]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"reward": "text/exakt"}, "reward"),
        ({"reward": "text/exact", "best_of": 1, "n": 2}, "best_of"),
        ({"reward": "text/exact", "stream": True}, "stream"),
        ({"reward": "text/exact", "prompt": ["a", "b"]}, "prompt"),
    ],
)
def test_a_verified_answer_that_cannot_be_is_refused(client, fields, param):
    body = {"model": "tiny", "prompt": "a", "max_tokens": 1} | fields
    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/completions", body=body, cast_to=object)
    assert refused.value.param == param
    assert json.loads(refused.value.response.text)["error"]["message"]
