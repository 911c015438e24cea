"""HTTPS: with a certificate that the client trusts, and with nothing else."""

import ssl

import httpx2
import pytest
import trustme
from rlvr_serve.client import RemoteReward
from rlvr_serve.web.settings import WebSettings

from rlvr_ops_core import OptionError

AUTHORITY = trustme.CA()


@pytest.fixture
def files(tmp_path):
    """The server's certificate and key, and what signed it."""
    certificate = AUTHORITY.issue_cert("127.0.0.1")
    names = {name: tmp_path / f"{name}.pem" for name in ("cert", "key", "ca")}
    certificate.cert_chain_pems[0].write_to_path(str(names["cert"]))
    certificate.private_key_pem.write_to_path(str(names["key"]))
    AUTHORITY.cert_pem.write_to_path(str(names["ca"]))
    return names


@pytest.fixture
def server(start, files, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(files["ca"]))
    options = ("--tls-cert", files["cert"], "--tls-key", files["key"], "--access-log", "")
    return start("--reward", "text/exact", *options, "--drain-delay-s", "0")


def test_our_client_is_answered_over_https(server):
    assert server.url.startswith("https://")
    reward = RemoteReward(server.url, "text/exact")
    assert reward(["?"], ["42"], answer=["42"]) == [1.0]
    reward.close()
    assert server.end() == (0, "")


def test_a_client_that_does_not_trust_the_certificate_sends_nothing(server):
    strange = ssl.create_default_context(cadata=trustme.CA().cert_pem.bytes().decode())
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx2.get(server.url + "/livez", verify=strange)


def test_plain_http_is_not_answered(server):
    with pytest.raises(httpx2.TransportError):
        httpx2.get(server.url.replace("https", "http") + "/livez")


def test_a_certificate_needs_its_key(files):
    settings = {"tls_cert": files["cert"], "tls_key": files["key"]}
    WebSettings(**settings).check()
    with pytest.raises(OptionError, match="both --tls-cert and --tls-key"):
        WebSettings(**settings | {"tls_key": None}).check()
    with pytest.raises(OptionError, match=r"--tls-key .*gone\.pem: there is no such file"):
        WebSettings(**settings | {"tls_key": files["key"].with_name("gone.pem")}).check()
    files["cert"].write_text("no certificate")
    with pytest.raises(OptionError, match=r"--tls-cert .*cert\.pem with --tls-key .*key\.pem: "):
        WebSettings(**settings).check()
