"""What a fault puts in the place of something, and how often it was met."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Called:
    """Counts how often a fault was met."""

    def __init__(self) -> None:
        self.count = 0
        self.texts = 0
        """How often it gave a text."""


@contextmanager
def replaced(holder: Any, name: str, value: Any) -> Iterator[None]:
    """Another attribute for a `with`; `unittest.mock` takes as long to import as all else."""
    own = vars(holder)
    is_own, before = name in own, own.get(name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        if is_own:
            setattr(holder, name, before)
        else:
            delattr(holder, name)
