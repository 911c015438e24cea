"""Cases for the rewards that RLVR-Ops ships, a JSON Lines file each: `text-exact.jsonl`."""

from __future__ import annotations

import json
from importlib.resources import files

from rlvr_audit.cases import Case, case_of, with_own_ids


def bundled_cases(reference: str) -> list[Case]:
    """The cases for a reward by its full name; none if this package has none for it."""
    name = f"{reference.replace('/', '-')}.jsonl"
    file = files(__name__).joinpath(name)
    if "/" not in reference or not file.is_file():
        return []
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
    return with_own_ids([case_of(row, f"{name}:{n}") for n, row in enumerate(rows, start=1)])
