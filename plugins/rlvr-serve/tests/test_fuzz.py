"""Requests made from the OpenAPI document, sound ones and broken ones: no 500, no hang."""

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from rlvr_serve.rewards.app import reward_app
from rlvr_serve.web.running import serving
from rlvr_serve.web.settings import WebSettings

schemathesis = pytest.importorskip("schemathesis", reason="pip install schemathesis")


REWARD_PATHS = [
    *("/livez", "/readyz", "/startupz", "/metrics", "/v1/rewards", "/v1/score"),
    *("/compat/openrlhf", "/compat/slime", "/compat/verl", "/compat/nemo-gym/verify"),
]
POLICY_PATHS = [
    *("/v1/models", "/v1/models/{model}", "/v1/chat/completions", "/v1/completions"),
    "/admin/policy",
]
PROBES = ["/livez", "/readyz", "/startupz", "/metrics"]
REFUSED = (503, 504)
"""No verdict for a format of numbers; a deadline of a millisecond. No fault of the server."""


@pytest.fixture(scope="module")
def rewards_api():
    web = WebSettings(port=0, access_log="", drain_delay_s=0, read_timeout_s=5)
    app = reward_app(["text/exact", "text/number", "text/f1"], settings=web)
    with serving(app, web) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


@pytest.fixture(scope="module")
def policy_api(policy, tmp_path_factory):
    """With a token, so that the fuzzer may try to replace the policy, too."""
    from rlvr_serve.policies.app import policy_app
    from rlvr_serve.policies.embedded.engine import EmbeddedSettings

    tokens = tmp_path_factory.mktemp("fuzz") / "tokens"
    tokens.write_text("admin:a-long-and-secret-token")
    web = WebSettings(port=0, access_log="", drain_delay_s=0, read_timeout_s=5, token_file=tokens)
    embedded = EmbeddedSettings(rows=4, threads=1, max_tokens=8)
    app = policy_app(str(policy), settings=web, embedded=embedded, rewards=["text/exact"])
    with serving(app, web) as url, pytest.MonkeyPatch.context() as patch:
        # a made-up policy must not be looked for on the hub
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        yield schemathesis.openapi.from_url(f"{url}/openapi.json", headers=TOKEN)


TOKEN = {"authorization": "Bearer a-long-and-secret-token"}


def test_the_documents_name_every_path(rewards_api, policy_api):
    assert sorted(rewards_api.raw_schema["paths"]) == sorted(REWARD_PATHS)
    assert sorted(policy_api.raw_schema["paths"]) == sorted(PROBES + POLICY_PATHS)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
@pytest.mark.parametrize("path", REWARD_PATHS)
def test_no_request_breaks_a_reward_server(rewards_api, path, mode):
    fuzz(rewards_api, path, mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
@pytest.mark.parametrize("path", POLICY_PATHS)
def test_no_request_breaks_a_policy_server(policy_api, path, mode):
    fuzz(policy_api, path, mode, headers=TOKEN)


def fuzz(api, path, mode, headers=None):
    """Send what the document allows, or what it does not, and see that the answer is in it."""
    (operation,) = (one.ok() for one in api.get_all_operations() if one.ok().path == path)
    strategy = operation.as_strategy(generation_mode=schemathesis.GenerationMode[mode])

    @settings(
        max_examples=20,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def ask(case):
        response = case.call(timeout=60, headers=headers)
        assert response.status_code < 500 or response.status_code in REFUSED, response.text
        if "text/event-stream" in response.headers.get("content-type", [""])[0]:
            check_events(response.text)
        else:
            case.validate_response(response, checks=load_checks(response.status_code))

    try:
        ask()
    except Unsatisfiable:
        pytest.skip("nothing about this path can be wrong")


def check_events(text):
    """Every event is JSON, and the last says that it is done."""
    *events, end = text.split("\n\n")[:-1]
    assert end == "data: [DONE]"
    for event in events:
        assert json.loads(event.removeprefix("data: "))["choices"] is not None


def load_checks(status):
    """The answer has a status, a type and a shape that the document names."""
    from schemathesis.specs.openapi import checks

    form = [
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    return form if status in REFUSED else [schemathesis.checks.not_a_server_error, *form]
