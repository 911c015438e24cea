"""Our own format: batches, lines, mistakes, and what is counted."""

import json

import pytest
from fastapi.testclient import TestClient
from rlvr_serve.rewards.app import reward_app
from rlvr_serve.web.settings import WebSettings


@pytest.fixture(scope="module")
def client():
    app = reward_app(["text/exact", "text/number"], settings=WebSettings(access_log=""))
    with TestClient(app) as client:
        while client.get("/readyz").status_code != 200:
            pass
        yield client


def score(client, items, reward="text/exact", **kwargs):
    return client.post("/v1/score", json={"reward": reward, "items": items}, **kwargs)


def test_a_batch_keeps_its_order_and_its_ids(client):
    items = [
        {"id": number, "completion": str(number), "answer": str(number - number % 2)}
        for number in range(300)
    ]
    results = score(client, items).json()["results"]
    assert [one["id"] for one in results] == list(range(300))
    assert [one["value"] for one in results] == [1.0, 0.0] * 150


def test_an_item_that_is_none_gets_its_own_error_and_no_zero(client):
    items = [{"completion": "a", "answer": "a"}, {"answer": "a", "id": "x"}, 5, {"completion": "b"}]
    first, second, third, fourth = score(client, items).json()["results"]
    assert (first["value"], first["status"]) == (1.0, "ok")
    assert (second["value"], second["status"], second["id"]) == (None, "invalid", "x")
    assert "completion" in second["info"]["error"]
    assert (third["value"], third["status"]) == (None, "invalid")
    assert fourth["value"] is None or fourth["status"] == "ok"


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"{", 400, "bad_json"),
        (b"\xff\xfe", 400, "bad_json"),
        (b"[]", 422, "invalid_request"),
        (b'{"items": []}', 422, "batch_size"),
        (b'{"items": [1], "reward": "text/exakt"}', 404, "unknown_reward"),
        (b'{"items": [1]}', 422, "reward_missing"),
        (b'{"items": [1], "colour": 1}', 422, "invalid_request"),
        (b'{"items": ' + b"[" * 100_000 + b"}", 422, "invalid_request"),
    ],
)
def test_a_request_that_is_wrong_is_told_why(client, body, status, kind):
    answer = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"urn:rlvr:{kind}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert not problem["retryable"]


def test_a_batch_has_at_most_1024_items_and_a_stream_any_number(client):
    item = {"completion": "a", "answer": "a"}
    assert score(client, [item] * 1024).status_code == 200
    assert score(client, [item] * 1025).status_code == 422
    lines = "\n".join(json.dumps({**item, "id": number}) for number in range(3000))
    answer = client.post(
        "/v1/score?reward=text/exact",
        content=lines.encode(),
        headers={"content-type": "application/x-ndjson"},
    )
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["id"] for one in results] == list(range(3000))
    assert {one["value"] for one in results} == {1.0}


def test_a_line_that_is_no_json_gets_its_own_error(client):
    answer = client.post(
        "/v1/score?reward=text/exact",
        content=b'{"completion": "a", "answer": "a"}\n{oops\n\n{"completion": "b", "answer": "a"}',
        headers={"content-type": "application/x-ndjson"},
    )
    statuses = [json.loads(line)["status"] for line in answer.text.splitlines()]
    assert statuses == ["ok", "invalid", "ok"]


def test_the_rewards_are_listed_with_what_they_give(client):
    rewards = client.get("/v1/rewards").json()["rewards"]
    assert [one["name"] for one in rewards] == ["text/exact", "text/number"]
    assert all(one["ref"].startswith(one["name"] + "@") for one in rewards)


def test_verdicts_are_counted_by_reward_and_outcome(client):
    def count(outcome):
        name = "rlvr_verifications_total"
        sample = client.app.state.web.metrics.registry.get_sample_value(
            name, {"reward": "text/exact", "outcome": outcome}
        )
        return sample or 0

    before = count("pass"), count("fail"), count("invalid")
    items = [{"completion": "7", "answer": "7"}, {"completion": "8", "answer": "7"}, {}]
    score(client, items)
    after = count("pass"), count("fail"), count("invalid")
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 1]
