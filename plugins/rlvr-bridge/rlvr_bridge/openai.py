"""A reward as an OpenAI-style python grader: one source text that needs nothing else.

The service runs `grade(sample, item)` without network and without our packages, so the reward's own
module travels with it, and what it imports of our core. Rewards that import anything but the
standard library are refused, with the place. What is written is loaded once in a bare interpreter.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlvr_bridge.bundle import SHIM, sources_of
from rlvr_bridge.policy import TRAINERS
from rlvr_bridge.reference import Reference, RewardEntry, Rewards, refer
from rlvr_bridge.scorer import ask
from rlvr_bridge.tasks import TASK_COLUMN
from rlvr_ops_core import PluginError
from rlvr_ops_core.scoring import BoundReward

IMAGE_TAG = "2025-05-08"
MOST_BYTES = 256_000
LOAD_TIMEOUT_S = 60

TEMPLATE = """# Written by `rlvr export openai`: {use}, options {options}.
import importlib.abc, importlib.util, json, sys

SOURCES = json.loads({sources!r})
OPTIONS = json.loads({options_json!r})


class _Bundle(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name in SOURCES:
            return importlib.util.spec_from_loader(name, self, is_package=True)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__path__ = []
        exec(compile(SOURCES[module.__name__], module.__name__, "exec"), module.__dict__)


sys.meta_path.insert(0, _Bundle())

import functools

from rlvr_ops_core.reward_spec import UNDECIDED, spec_of
from rlvr_ops_core.scoring.verdicts import settle
from rlvr_ops_core.types import Sample, Task


def _reward():
    found = importlib.import_module({module!r})
    for part in {qualname!r}.split("."):
        found = getattr(found, part)
    spec = spec_of(found)
    return spec, _bind(found), _bind(spec.fast) if spec.fast else None


def _bind(call):
    return call(**OPTIONS) if isinstance(call, type) else functools.partial(call, **OPTIONS)


SPEC, REWARD, FAST = _reward()


def _task(item):
    whole = item.get({task_column!r})
    if whole:
        known = json.loads(whole) if isinstance(whole, str) else dict(whole)
        fields = ("id", "prompt", "answer", "data", "source")
        return Task(**{{key: known[key] for key in fields if key in known}})
    prompt = item.get("prompt", item.get("messages", ""))
    return Task(str(item.get("id", "")), prompt, item.get({answer!r}), item)


def grade(sample, item):
    judged = Sample(_task(item), sample.get("output_text") or "")
    raw = FAST(judged) if FAST else UNDECIDED
    verdict = settle(REWARD(judged) if raw is UNDECIDED else raw, SPEC, {use!r})
    if verdict.value is None:
        raise ValueError("no verdict (" + verdict.status + "): " + verdict.reason)
    return verdict.value
"""


def grader(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    answer: str = "answer",
) -> dict[str, str]:
    """`{"type": "python", "source": …, "image_tag": …}` for one reward.

    Args:
        rewards: one reward.
        options: its options.
        plugins: the plugin file that it comes from.
        answer: the item's field with the gold answer, for items without `rlvr_task`.

    Raises:
        PluginError: the reward can't be one text: says why, and where.
    """
    reference = refer(rewards, options=options, plugins=plugins)
    asked = ask(reference)
    asked.refuse_unless(TRAINERS["openai"])
    name, entry = next(iter(reference.rewards.items()))
    if len(reference.rewards) > 1 or entry != RewardEntry(use=entry.use, options=entry.options):
        raise _refused("several rewards", "export each, and add them up with a multi grader")
    source = grader_source(asked.bound[name], answer=answer)
    return {"type": "python", "source": source, "image_tag": IMAGE_TAG}


def grader_source(bound: BoundReward, *, answer: str) -> str:
    """The text with `grade(sample, item)`.

    Raises:
        PluginError: the reward can't be one text: says why, and where.
    """
    if bound.is_async:
        raise _refused(bound.name, "it is async: what it waits for can't be reached from there")
    if bound.judges != "sample":
        raise _refused(bound.name, f"it judges {bound.judges}, and a grader sees one answer")
    found = bound.recipe.find()
    module, qualname = found.__module__, found.__qualname__
    if "<" in qualname:
        raise _refused(bound.name, "it is made inside a function: define it at a module's top")
    sources = {**sources_of(module, bound.name, bound.spec.preload), **SHIM}
    source = TEMPLATE.format(
        use=bound.ref,
        options=dict(bound.recipe.options),
        sources=json.dumps(sources),
        options_json=json.dumps(dict(bound.recipe.options)),
        module=module,
        qualname=qualname,
        task_column=TASK_COLUMN,
        answer=answer,
    )
    if len(source.encode()) > MOST_BYTES:
        raise _refused(bound.name, f"its source is more than {MOST_BYTES:,} bytes")
    _check_alone(source, bound.name)
    return source


def _check_alone(source: str, name: str) -> None:
    """Load the text in an interpreter that has nothing but the standard library."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", "import sys; exec(sys.stdin.read())"],
            input=source,
            capture_output=True,
            text=True,
            timeout=LOAD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _refused(name, f"alone it does not load within {LOAD_TIMEOUT_S} s") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise _refused(name, f"alone it does not load: {reason}")


def _refused(what: str, why: str) -> PluginError:
    return PluginError(f"a python grader can't carry {what}: {why}")
