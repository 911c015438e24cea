"""How a server is set up: where it listens, who may come in, how much it takes on, how it stops."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from rlvr_ops_core import OptionError

MEBIBYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """The settings that a policy server and a reward server have in common."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0 takes any free port."""
    token_file: Path | None = None
    """Lines of `name:token`; read again when the file changes. None: loopback only, no token."""
    open_to_all: bool = False
    """Listen beyond loopback without a token: somebody else keeps strangers out."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    max_body_mb: float = 8.0
    """A larger body is refused before it is read."""
    buffer_mb: float = 256.0
    """All bodies together, of requests that run or wait."""
    at_once: int = 32
    """Requests that run at the same time."""
    queue: int = 256
    """Requests that wait for a place."""
    client_share: float = 0.5
    """Of all places, running and waiting, that one client may hold."""
    deadline_s: float = 120.0
    """For a request without `X-Request-Deadline-Ms`, and the longest that one may ask for."""
    read_timeout_s: float = 20.0
    """Longest silence of a client that is sending a request or receiving an answer."""
    drain_delay_s: float = 5.0
    """After SIGTERM: how long new requests are still taken, while balancers see not-ready."""
    grace_s: float = 60.0
    """After that: how long running requests have to finish."""
    access_log: str = "-"
    """A file; "-" is standard error, "" none."""
    log_texts: bool = False
    """Put bodies, and so models' answers, into the access log."""

    def check(self) -> None:
        """Refuse settings that would do harm.

        Raises:
            OptionError: says which and why.
        """
        if not self.token_file and not self.open_to_all and not is_loopback(self.host):
            raise OptionError(
                f"host {self.host}: anybody who reaches this machine could use the server",
                hint="give --token-file FILE, or --open-to-all if something else guards it",
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise OptionError("TLS takes both --tls-cert and --tls-key")
        if self.tls_cert is not None and self.tls_key is not None:
            _check_pair(self.tls_cert, self.tls_key)
        for name in ("max_body_mb", "buffer_mb", "at_once", "deadline_s", "read_timeout_s"):
            if not getattr(self, name) > 0:
                raise OptionError(f"{name} {getattr(self, name)}: must be more than 0")
        if not 0 < self.client_share <= 1:
            raise OptionError(f"client_share {self.client_share}: must be in (0, 1]")
        for name in ("queue", "drain_delay_s", "grace_s"):
            if getattr(self, name) < 0:
                raise OptionError(f"{name} {getattr(self, name)}: must not be negative")


def _check_pair(cert: Path, key: Path) -> None:
    for option, file in (("--tls-cert", cert), ("--tls-key", key)):
        if not file.is_file():
            raise OptionError(f"{option} {file}: there is no such file")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as error:
        what = error.strerror if error.errno else str(error)
        raise OptionError(
            f"--tls-cert {cert} with --tls-key {key}: {what}",
            hint="give a PEM file of the certificate chain and the PEM file of its key",
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
