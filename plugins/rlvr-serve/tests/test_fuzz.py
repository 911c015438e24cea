"""Requests made from the OpenAPI document, sound ones and broken ones: no 500, no hang."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from rlvr_serve.rewards.app import reward_app
from rlvr_serve.web.running import serving
from rlvr_serve.web.settings import WebSettings

schemathesis = pytest.importorskip("schemathesis", reason="pip install schemathesis")


@pytest.fixture(scope="module")
def api():
    web = WebSettings(port=0, access_log="", drain_delay_s=0, read_timeout_s=5)
    app = reward_app(["text/exact", "text/number", "text/f1"], settings=web)
    with serving(app, web) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


PATHS = [
    *("/livez", "/readyz", "/startupz", "/metrics", "/v1/rewards", "/v1/score"),
    *("/compat/openrlhf", "/compat/slime", "/compat/verl", "/compat/nemo-gym/verify"),
]


REFUSED = (503, 504)
"""No verdict for a format of numbers; a deadline of a millisecond. No fault of the server."""


def test_the_document_names_every_path(api):
    assert sorted(api.raw_schema["paths"]) == sorted(PATHS)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
@pytest.mark.parametrize("path", PATHS)
def test_no_request_breaks_the_server(api, path, mode):
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
        response = case.call(timeout=20)
        assert response.status_code < 500 or response.status_code in REFUSED, response.text
        case.validate_response(response, checks=load_checks(response.status_code))

    try:
        ask()
    except Unsatisfiable:
        pytest.skip("nothing about this path can be wrong")


def load_checks(status):
    """The answer has a status, a type and a shape that the document names."""
    from schemathesis.specs.openapi import checks

    form = [
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    return form if status in REFUSED else [schemathesis.checks.not_a_server_error, *form]
