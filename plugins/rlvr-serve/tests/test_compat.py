"""The wire formats of trainers, by the bytes that their clients send.

tests/wire holds what the clients of OpenRLHF 0.11.2 (`openrlhf/utils/agent.py:327`) and slime
624b824 (`slime/rollout/rm_hub/__init__.py:34`) put on the wire, recorded from their own code.
"""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from rlvr_serve.rewards.app import reward_app
from rlvr_serve.rewards.texts import after_prompt, without_end_tokens
from rlvr_serve.web.settings import WebSettings
from serve_processes import read_answer

WIRE = Path(__file__).parent / "wire"


@pytest.fixture(scope="module")
def client():
    settings = WebSettings(access_log="")
    app = reward_app(["text/exact", "text/f1"], settings=settings)
    with TestClient(app) as client:
        while client.get("/readyz").status_code != 200:
            pass
        yield client


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openrlhf-0.11.2", {"rewards": 1.0, "scores": 1.0, "extra_logs": {"rlvr_ok": 1.0}}),
        ("slime-624b824", 1.0),
    ],
)
def test_recorded_clients_get_what_their_code_expects(start, name, expected):
    server = start("--reward", "text/exact", "--access-log", "", "--drain-delay-s", "0")
    with server.connect() as sock:
        sock.sendall((WIRE / f"{name}.http").read_bytes())
        head, _, body = read_answer(sock).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ncontent-type: application/json" in head  # aiohttp refuses to read anything else
    assert json.loads(body) == expected


def post(client, path, body, reward="text/exact", **query):
    return client.post(f"/compat/{path}", json=body, params={"reward": reward} | query)


def test_openrlhf_gets_lists_for_lists_and_even_columns(client):
    body = {"query": ["p x", "p y z"], "prompts": ["p ", "p "], "labels": ["x", "y w"]}
    found = post(client, "openrlhf", body, "text/f1").json()
    assert found["rewards"] == [1.0, 0.5] == found["scores"]
    assert found["extra_logs"] == {"reward/exact": [1.0, 0.0], "rlvr_ok": [1.0, 1.0]}


def test_the_prompt_is_never_judged_with_the_answer(client):
    body = {"query": ["gold: a\nb"], "prompts": ["other"], "labels": ["a"]}
    assert post(client, "openrlhf", body).status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("openrlhf", {"query": ["pa"], "prompts": ["p"], "labels": [None]}),
        ("slime", {"prompt": "p", "response": "a", "label": None}),
        ("verl", {"solution_str": "a", "ground_truth": None, "data_source": "d"}),
    ],
)
def test_no_verdict_is_a_503_unless_the_least_value_is_asked_for(client, path, body):
    refused = post(client, path, body)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:rlvr:no_verdict")
    assert "retry-after" in refused.headers
    given = post(client, path, body, no_verdict="lowest")
    assert given.status_code == 200


def test_verl_gets_a_score_and_even_columns(client):
    extra = {"index": 3, "question": "?", "level": 5}
    body = {"solution_str": "a", "ground_truth": "a", "data_source": "d", "extra_info": extra}
    found = post(client, "verl", body).json()
    assert found["score"] == 1.0
    assert found["rlvr_status"] == "ok"


def nemo(text, **fields):
    content = [{"type": "output_text", "text": text, "annotations": []}]
    output = [{"type": "reasoning", "summary": []}, {"type": "message", "content": content}]
    params = {"input": [{"role": "user", "content": "6 * 7?"}]}
    return {"responses_create_params": params, "response": {"output": output}, **fields}


def test_nemo_gym_gets_its_request_back_with_the_reward(client):
    body = nemo("42", expected_answer="42", row=7)
    found = post(client, "nemo-gym/verify", body).json()
    assert {key: found[key] for key in body} == body
    assert found["reward"] == 1.0 == sum(found["reward_components"].values())
    assert "_ng_failure_class" not in found


def test_nemo_gym_is_told_when_there_is_no_verdict(client):
    found = post(client, "nemo-gym/verify", nemo("42")).json()
    assert found["_ng_failure_class"] == "judge_failed"
    assert found["rlvr"]["value"] is None


@pytest.mark.parametrize("path", ["openrlhf", "slime", "verl", "nemo-gym/verify"])
@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[]", 422), (b"{}", 422)])
def test_a_request_of_another_shape_is_refused(client, path, body, status):
    assert client.post(f"/compat/{path}", content=body).status_code == status


def test_start_tokens_and_end_tokens_are_no_part_of_the_answer():
    assert after_prompt("<s> p\n42", "p\n") == "42"
    assert after_prompt("<bos>p 42", "<bos>p ") == "42"
    assert after_prompt("q 42", "p ") is None
    assert without_end_tokens("42<|im_end|>\n<|endoftext|>") == "42"
    assert without_end_tokens("a < b") == "a < b"
