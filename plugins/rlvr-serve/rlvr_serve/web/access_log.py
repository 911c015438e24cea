"""The access log: one JSON line a request, without what anybody wrote unless told otherwise."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from rlvr_ops_core import OptionError
from rlvr_serve.web.visit import Visit

TEXT_LIMIT = 100_000


class AccessLog:
    """Lines in a file, on standard error ("-"), or nowhere ("").

    A line that can't be written (the disk is full) is counted in `lost`, and stops nobody.

    Raises:
        OptionError: the file can't be opened.
    """

    def __init__(self, where: str) -> None:
        self.lost = 0
        self._stream: BinaryIO | None = None
        if where == "-":
            self._stream = getattr(sys.stderr, "buffer", None)
        elif where:
            try:
                self._stream = Path(where).open("ab", buffering=0)  # noqa: SIM115
            except OSError as error:
                raise OptionError(f"access log {where}: {error.strerror}") from error

    def write(self, visit: Visit, method: str, route: str, seconds: float) -> None:
        """Note a request that is over."""
        if self._stream is None:
            return
        row: dict[str, Any] = {
            "time": round(time.time(), 3),
            "id": visit.id,
            "client": visit.client,
            "method": method,
            "route": route,
            "status": visit.status,
            "seconds": round(seconds, 6),
            "bytes_in": visit.bytes_in,
            "bytes_out": visit.bytes_out,
            **visit.notes,
        }
        if visit.failure:
            row["failure"] = visit.failure
        if visit.text:
            row["body"] = visit.text[:TEXT_LIMIT].decode("utf-8", "replace")
        try:
            self._stream.write(msgspec.json.encode(row) + b"\n")
            self._stream.flush()
        except (OSError, ValueError):  # full, or closed by whoever owns it
            self.lost += 1

    def close(self) -> None:
        """Close the file."""
        stream, self._stream = self._stream, None
        if stream is not None and stream is not getattr(sys.stderr, "buffer", None):
            stream.close()
