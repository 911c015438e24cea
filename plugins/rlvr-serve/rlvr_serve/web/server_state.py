"""What one server knows about itself: its settings, limits, metrics, and whether it is ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from rlvr_serve.web.access_log import AccessLog
from rlvr_serve.web.admission import Admission
from rlvr_serve.web.metrics import Metrics
from rlvr_serve.web.patrol import Patrol
from rlvr_serve.web.settings import WebSettings
from rlvr_serve.web.tokens import Tokens
from rlvr_serve.web.visit import Visit

if TYPE_CHECKING:
    from rlvr_serve.web.door import Door

Handler: TypeAlias = Callable[[Visit, bytes], Awaitable[bytes]]
"""Makes the answer to a body: both are JSON."""


@dataclass
class Web:
    """The state of a server; `app.state.web`."""

    settings: WebSettings
    admitted: tuple[str, ...]
    openai_paths: tuple[str, ...]
    direct: Mapping[str, Handler] = field(default_factory=dict)
    """Handlers of POST requests by path, for whom the search for a route would cost the most."""
    admission: Admission = field(init=False)
    tokens: Tokens | None = field(init=False)
    access_log: AccessLog = field(init=False)
    metrics: Metrics = field(init=False)
    patrol: Patrol = field(default_factory=Patrol)
    door: Door | None = None
    """What every request comes through, once the server runs."""
    is_ready: bool = False
    """It is loaded, and may be given requests."""
    draining: bool = False
    """It has been told to stop: it serves on, and wants no more."""
    trouble: str = ""
    """Why what is loaded does not work at the moment; "" if it does."""
    failure: Exception | None = None
    """Why it could not load."""

    def __post_init__(self) -> None:
        self.settings.check()
        self.admission = Admission(self.settings)
        self.tokens = Tokens(self.settings.token_file) if self.settings.token_file else None
        self.access_log = AccessLog(self.settings.access_log)
        self.metrics = Metrics(self)

    @property
    def is_welcoming(self) -> bool:
        """Whether new requests are welcome: what `/readyz` says."""
        return self.is_ready and not self.draining and not self.trouble
