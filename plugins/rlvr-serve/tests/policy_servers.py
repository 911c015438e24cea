"""Policy servers in a thread, and OpenAI's client for them."""

import contextlib

from rlvr_serve.policies.app import policy_app
from rlvr_serve.policies.embedded.engine import EmbeddedSettings
from rlvr_serve.web.running import serving
from rlvr_serve.web.settings import WebSettings


@contextlib.contextmanager
def served(place, *, rows=8, rewards=(), **settings):
    """A client of a server of this policy."""
    settings = {"port": 0, "access_log": "", "drain_delay_s": 0, **settings}
    web = WebSettings(**settings)
    embedded = EmbeddedSettings(rows=rows, threads=1)
    app = policy_app(str(place), settings=web, name="tiny", embedded=embedded, rewards=rewards)
    with serving(app, web) as url:
        yield client_of(url), app


def client_of(url, key="none"):
    import openai

    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=120)
