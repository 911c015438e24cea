"""Bearer tokens: several, named, compared in constant time, read again when their file changes."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from time import monotonic

from rlvr_ops_core import OptionError

SHORTEST = 16
LOOK_EVERY_S = 1.0


class Tokens:
    """The tokens of one file; lines of `name:token`, `#` begins a comment.

    A file that can't be read any more, or has a mistake in it (a full disk cuts one short), changes
    nothing: the tokens read last stay, and `trouble` says what is wrong.

    Raises:
        OptionError: the file can't be read at the start.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.trouble = ""
        self._digests = read_tokens(file)
        self._stamp = _stamp(file)
        self._looked = monotonic()

    def name_of(self, token: str) -> str | None:
        """The name of a token; None if there is no such token.

        Every token is compared, by digest, so the time tells neither which one nor how much fits.
        """
        self._look_again()
        asked = _digest(token)
        found = None
        for name, digest in self._digests.items():
            if hmac.compare_digest(digest, asked):
                found = name
        return found

    def _look_again(self) -> None:
        now = monotonic()
        if now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        stamp = _stamp(self.file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._digests = read_tokens(self.file)
            self.trouble = ""
        except OptionError as error:
            self.trouble = str(error)


def read_tokens(file: Path) -> dict[str, bytes]:
    """Name to digest.

    Raises:
        OptionError: the file can't be read, holds no token, or a line is none.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no UTF-8 text"
        raise OptionError(f"token file {file}: {reason}") from error
    digests: dict[str, bytes] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, colon, token = (part.strip() for part in text.partition(":"))
        if not (name and colon and len(token) >= SHORTEST) or name in digests:
            raise OptionError(
                f"{file}:{number}: is no new name:token with {SHORTEST} characters or more",
                hint='make one with: python -c "import secrets; print(secrets.token_urlsafe())"',
            )
        digests[name] = _digest(token)
    if not digests:
        raise OptionError(f"token file {file}: holds no token", hint="write lines of name:token")
    return digests


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116  # one call for three numbers
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
