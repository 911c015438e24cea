"""Shared by the tests of rlvr-serve."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from serve_processes import REWARDS, Server  # beside this file
from tiny_policy import make_policy


@pytest.fixture(scope="session")
def plugin_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("plugin") / "orders.py"
    file.write_text(REWARDS)
    return file


@pytest.fixture
def start():
    """Starts servers, and stops them after the test."""
    servers = []

    def start_one(*options, **kwargs):
        servers.append(Server(*options, **kwargs))
        return servers[-1]

    yield start_one
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()


@pytest.fixture(scope="session")
def policy(tmp_path_factory):
    """The folder of a tiny policy."""
    pytest.importorskip("transformers", reason='pip install "rlvr-serve[policies]"')
    return make_policy(tmp_path_factory.mktemp("policies") / "tiny")
