"""The pytest plugin, run by pytest itself."""

import json
import subprocess
import sys
from textwrap import dedent


def test_fixture_and_mark_check_a_reward(tmp_path, sound, buggy, boxed):
    cases = tmp_path / "cases.jsonl"
    cases.write_text("".join(json.dumps(row) + "\n" for row in boxed))
    (tmp_path / "test_rewards.py").write_text(
        dedent(
            f"""
            import pytest

            QUICK = ["cases/*", "channel/shotgun"]

            @pytest.mark.rlvr_reward({sound!r}, cases={str(cases)!r}, only=QUICK)
            def test_sound(rlvr_audit):
                rlvr_audit().check("high")

            def test_buggy(rlvr_audit):
                rlvr_audit({buggy!r}, cases={str(cases)!r}, only=QUICK).check("high")

            def test_nothing_named(rlvr_audit):
                rlvr_audit()
            """
        )
    )
    command = [sys.executable, "-m", "pytest", "--strict-markers", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "critical channel/shotgun" in done.stdout
    assert "name a reward" in done.stdout
