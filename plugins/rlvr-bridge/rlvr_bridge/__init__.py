"""One reward in every trainer, and theirs here."""

from __future__ import annotations
