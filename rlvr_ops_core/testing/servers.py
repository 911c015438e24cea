"""Check a server: it answers while the `with` lasts, and no longer."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rlvr_ops_core.testing.calls import bound, expect


def check_server(
    component: Callable[..., Any], target: str | Path, *, path: str = "/", **options: Any
) -> bytes:
    """Serve `target`, ask for `path`, stop, and do it all once more; give what it answered.

    A server passes if its URL answers inside the `with`, by any HTTP status, and no longer after.
    """
    _served(component, target, path, options)
    return _served(component, target, path, options)


def _served(
    component: Callable[..., Any], target: str | Path, path: str, options: Mapping[str, Any]
) -> bytes:
    server = bound(component, options)
    with expect(lambda: server(target), "the server raised") as url:
        assert isinstance(url, str), f"the server must give its URL as a text, not {url!r}"
        assert url.startswith(("http://", "https://")), f"{url!r} must begin with http://"
        body = expect(lambda: _get(url.rstrip("/") + path), f"{url} does not answer")
    try:
        _get(url)
    except OSError:
        return body
    raise AssertionError(f"{url} still answers after the with block; close its socket there")


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            body: bytes = response.read()
            return body
    except urllib.error.HTTPError as error:
        with error:
            return error.read()
