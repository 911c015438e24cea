"""What all call sites share: orders, answers, what came out, and how files are loaded."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from rlvr_bridge.export.files import export_files
from rlvr_bridge.tasks import encode_task

from rlvr_ops_core import Task

REAL = "RLVR_BRIDGE_REAL"
"""Environment variable: the trainers whose real package must be there, separated by commas."""


@dataclass(frozen=True)
class Answer:
    task: Task
    text: str


@dataclass(frozen=True)
class Got:
    """What a trainer had in its hands for one answer."""

    value: float | None
    parts: Mapping[str, Any] = field(default_factory=dict)
    mark: str = ""
    """`raised`, `removed` or `failure`."""


@dataclass(frozen=True)
class Order:
    trainer: str
    rewards: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


CallSite = Callable[[Path, Order, Sequence[Answer]], list[Got]]
CALL_SITES: dict[str, CallSite] = {}
PACKAGES = {
    "trl": "trl",
    "trl-async": "trl",
    "swift": "swift",
    "verl": "verl",
    "openrlhf": "openrlhf",
    "openrlhf-http": "openrlhf",
    "skyrl": "skyrl_gym",
    "verifiers": "verifiers",
    "openenv": "openenv",
}
"""Import names. slime, NeMo-RL and NeMo-Gym are on no package index: always a replay."""


def is_real(trainer: str) -> bool:
    package = PACKAGES.get(trainer)
    found = package is not None and _is_installed(package)
    if trainer in os.environ.get(REAL, "").split(",") and not found:
        raise AssertionError(f"{REAL} asks for the real {package}, which is not installed")
    return found


@cache
def _is_installed(package: str) -> bool:
    """Asked once: a stand-in takes the package's place later."""
    return importlib.util.find_spec(package) is not None


def call_site(trainer: str) -> Callable[[CallSite], CallSite]:
    def note(function: CallSite) -> CallSite:
        CALL_SITES[trainer] = function
        return function

    return note


def write(folder: Path, order: Order, **more: Any) -> Path:
    """Export, and give the one file that was written."""
    settings = {"error_budget": 1.0, **order.settings, **more}
    name = f"{folder.name}_{order.trainer}_{len(list(folder.iterdir()))}".replace("-", "_")
    suffix = {"verl": ".yaml", "openai": ".json"}.get(order.trainer, ".py")
    output = folder / f"{name}{suffix}"
    (written,) = export_files(order.trainer, order.rewards, output=output, **settings).items()
    written[0].write_text(written[1])
    return written[0]


def module_in(file: Path) -> Any:
    """The module in a file, imported by its name as trainers do."""
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    importlib.invalidate_caches()
    return importlib.import_module(file.stem)


def exported_name(module: Any) -> str:
    """The one public name that an exported file makes, beside what it imports."""
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and name not in ("reward", "group_reward") and callable(value)
    ]
    assert len(own) == 1, own
    return own[0]


def rows_of(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [{"prompt": a.task.prompt_text, "rlvr_task": encode_task(a.task)} for a in answers]


class CharTokenizer:
    """Token ids are the characters' numbers."""

    def decode(self, ids: Any, skip_special_tokens: bool = False) -> str:
        return "".join(chr(int(one)) for one in ids)

    def __call__(self, text: str, **_: Any) -> Any:
        import torch

        return {"input_ids": torch.tensor([[ord(char) for char in text]])}


def post(url: str, payload: Any) -> Any:
    from urllib.request import Request, urlopen

    request = Request(url, json.dumps(payload).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as response:
        return json.loads(response.read())
