"""The README's third-party reward, unchanged, from TRL, verifiers and over HTTP."""

from __future__ import annotations

import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from bridge_sites import CALL_SITES, Answer, Order, module_in, post, write

from rlvr_ops_core import Task

FOLDER = Path(__file__).resolve().parents[3] / "tests" / "third_party" / "rlvr-rewards-brevity"
FILE = FOLDER / "rlvr_rewards_brevity.py"
TASK = Task("1", "Tell me a joke.", None)
ANSWERS = [Answer(TASK, "x" * length) for length in (10, 30, 40, 100)]
EXPECTED = [1.0, 0.5, 0.0, 0.0]
ORDER = {"options": ("limit=20",), "plugins": (FILE,)}


@pytest.mark.slow
def test_a_third_partys_reward_works_in_trl_in_verifiers_and_over_http(tmp_path: Path) -> None:
    """In the real packages where they are installed: `test_peers.py` installs verifiers."""
    if not FILE.is_file():
        pytest.skip("needs the repository: tests/third_party/rlvr-rewards-brevity")
    lines = [line for line in FILE.read_text().splitlines() if line.strip()]
    lines += [line for line in (FOLDER / "pyproject.toml").read_text().splitlines() if line.strip()]
    assert len(lines) <= 22
    for trainer in ("trl", "verifiers", "openrlhf-http"):
        order = Order(trainer, ("rlvr_rewards_brevity/short",), ORDER)
        got = CALL_SITES[trainer](tmp_path, order, ANSWERS)
        assert [one.value for one in got] == pytest.approx(EXPECTED), trainer


def test_one_server_answers_openrlhf_slime_and_our_own_requests(tmp_path: Path) -> None:
    from bridge_cases import RAGGED_FILE

    order = Order("openrlhf-http", ("text/exact",), {"plugins": (RAGGED_FILE,)})
    module = module_in(write(tmp_path, order))
    module.Handler.log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), module.Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    try:
        two = {"query": ["Q: 4", "Q: 5"], "prompts": ["Q: ", "Q: "], "labels": ["4", "4"]}
        answer = post(url, two)
        assert answer["rewards"] == [1.0, 0.0]
        assert answer["extra_logs"] == {"reward/exact": [1.0, 0.0], "rlvr_ok": [1.0, 1.0]}
        assert post(url, {"prompt": "Q", "response": "4", "label": "4"}) == 1.0
        sample = {"task": {"id": "1", "prompt": "Q", "answer": "4"}, "completion": "5"}
        (verdict,) = post(url, {"samples": [sample]})["verdicts"]
        assert (verdict["value"], verdict["status"]) == (0.0, "ok")
        assert verdict["ref"].startswith("text/exact@")
        with pytest.raises(Exception, match="400"):
            post(url, {"question": "?"})
    finally:
        server.shutdown()
        server.server_close()
