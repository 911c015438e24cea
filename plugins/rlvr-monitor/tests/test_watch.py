"""`rlvr watch`: one summary where no terminal listens, a live view that `q` ends where one does."""

import os
import pty
import select
import subprocess
import sys
import time

from click.testing import CliRunner
from monitor_runs import add_lines, alarm, run_with_alarms
from rlvr_monitor.terminal.command import watch_command
from rlvr_monitor.terminal.run import RunSeen

from rlvr_ops_core.runs import Series


def test_without_a_terminal_a_run_is_shown_once(tmp_path):
    run = run_with_alarms(tmp_path / "quickstart")
    done = CliRunner().invoke(watch_command, [str(run)], env={"COLUMNS": "160"})
    assert done.exit_code == 0
    for text in ("quickstart", "policy", "shadow_disagreement", "(3 rollouts)", "Reward", "█"):
        assert text in done.output
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output
    assert "</script><script>" in done.output


def test_a_folder_without_a_run_is_refused(tmp_path):
    done = CliRunner().invoke(watch_command, [str(tmp_path)])
    assert done.exit_code != 0
    assert "holds no run" in str(done.exception)


def test_a_look_reads_on_and_follows_a_rewind(tmp_path):
    run = run_with_alarms(tmp_path / "quickstart")
    seen = RunSeen(run)
    seen.look()
    stage = "stages/02-policy"
    assert seen.stages[stage].step == 12
    add_lines(run / stage / "metrics.jsonl", [{"step": 13, "reward": 0.5}])
    add_lines(run / "events.jsonl", [alarm(13, message="new")])
    seen.look()
    assert (seen.stages[stage].step, seen.alarms[-1]["message"]) == (13, "new")
    series = Series(run / stage / "metrics.jsonl")
    series.keep(5)
    series.close()
    seen.look()
    assert list(seen.stages[stage].series["reward"].steps) == [1, 2, 3, 4, 5]


def test_in_a_terminal_q_ends_it_and_the_screen_is_given_back(tmp_path):
    run = run_with_alarms(tmp_path / "quickstart")
    ours, theirs = pty.openpty()
    code = f"from rlvr_monitor.terminal.command import watch_command; watch_command([{str(run)!r}])"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
    )  # fmt: skip
    os.close(theirs)
    shown, deadline, pressed = b"", time.monotonic() + 60, False
    while process.poll() is None and time.monotonic() < deadline:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                shown += os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
        if b"q: leave" in shown and not pressed:
            os.write(ours, b"q")
            pressed = True
    process.wait(timeout=30)
    os.close(ours)
    assert process.returncode == 0
    assert b"\x1b[?1049h" in shown
    assert b"\x1b[?1049l" in shown
