"""`rlvr watch`: look at a run in the terminal while it goes on."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from rlvr_monitor.terminal.run import RunSeen

KEYS = "q: leave; the run goes on"


@click.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option("--every", default=1.0, show_default=True, help="Seconds between two looks.")
def watch_command(run: Path, every: float) -> None:
    """Watch a run in the terminal: progress, curves, alarms, the latest rollouts.

    RUN is a run folder. Where no terminal listens, the run is shown once.
    """
    from rich.console import Console

    from rlvr_monitor.terminal.run import RunSeen
    from rlvr_monitor.terminal.view import view
    from rlvr_ops_core import RunError

    if not any((run / sign).is_file() for sign in ("run.json", "events.jsonl")):
        raise RunError(f"{run} holds no run", hint="give a run folder, such as runs/quickstart")
    seen = RunSeen(run)
    seen.look()
    console = Console()
    if console.is_terminal and sys.stdin.isatty():
        watch(seen, console, every=max(0.1, every))
    else:
        console.print(view(seen))


def watch(seen: RunSeen, console: Console, *, every: float) -> None:
    """Show a run until `q` or Ctrl-C."""
    import termios
    import tty

    from rich.live import Live

    from rlvr_monitor.terminal.view import view

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        with Live(view(seen, now=KEYS), console=console, screen=True, auto_refresh=False) as live:
            while not _wants_to_leave(keyboard, every):
                seen.look()
                live.update(view(seen, now=KEYS), refresh=True)
    except KeyboardInterrupt:
        pass
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
    console.print(view(seen))


def _wants_to_leave(keyboard: int, seconds: float) -> bool:
    """Wait for so long, or until a key is pressed; True if it is q, or nobody is there any more."""
    import os
    import select

    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([keyboard], [], [], left)[0]:
            pressed = os.read(keyboard, 64)
            if not pressed or pressed.lower() in (b"q", b"\x1b"):
                return True
    return False
