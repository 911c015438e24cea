"""Judge all cases with all trainers: here, in a thread, or in a spawned process."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from bridge_cases import Case, bundled, nasty, ragged, signed
from bridge_sites import CALL_SITES, REAL, Got, Order
from rlvr_bridge.policy import TRAINERS
from rlvr_bridge.scorer import close_all

from rlvr_ops_core import PluginError

CASES: Mapping[str, Callable[[], Case]] = {
    **{case.reward: (lambda case=case: case) for case in bundled()},  # type: ignore[misc]
    "rlvr_echo/nasty": nasty,
    "ragged/ragged": ragged,
    "ragged/signed": signed,
}
ASKED = tuple(filter(None, os.environ.get(REAL, "").split(","))) or tuple(
    name for name in TRAINERS if name != "nemo-rl" or find_spec("torch")
)
"""The trainers to judge with: those whose real package is asked for, or all that can be called."""


def judge(trainer: str, names: tuple[str, ...]) -> dict[str, dict[str, Got] | str]:
    """What the trainer had in its hands, by reward and kind of answer; a text says why not."""
    folder = Path(mkdtemp(prefix="rlvr_bridge_"))
    atexit.register(rmtree, folder, ignore_errors=True)  # modules in it may be imported until then
    found: dict[str, dict[str, Got] | str] = {}
    for name in names:
        case = CASES[name]()
        settings = {"options": case.option_words, "plugins": case.plugins}
        order = Order(trainer, case.words, settings)
        try:
            got = CALL_SITES[trainer](folder, order, list(case.answers.values()))
        except PluginError as error:
            found[name] = str(error)
            continue
        found[name] = dict(zip(case.answers, got, strict=True))
    return found


def judge_all(names: tuple[str, ...]) -> dict[str, dict[str, dict[str, Got] | str]]:
    return {trainer: judge(trainer, names) for trainer in ASKED}


def in_thread(names: tuple[str, ...]) -> Any:
    box: list[Any] = []
    thread = threading.Thread(target=lambda: box.append(judge_all(names)))
    thread.start()
    thread.join()
    assert box, "a call raised in the thread"
    return box[0]


def _spawned(path: list[str], names: tuple[str, ...], channel: Any) -> None:
    sys.path[:] = path
    try:
        channel.send(judge_all(names))
    finally:
        close_all()


def in_spawned(names: tuple[str, ...]) -> Any:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_spawned, args=(sys.path, names, theirs))
    process.start()
    theirs.close()
    found = ours.recv()  # EOFError: the process ended without an answer
    process.join(timeout=30)
    assert process.exitcode == 0
    return found
