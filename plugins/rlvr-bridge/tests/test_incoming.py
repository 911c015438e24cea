"""Functions of other libraries as rewards here, in the engine's workers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rlvr_ops_core import DataError, RewardLoadError, Sample, Task, Verdict
from rlvr_ops_core.plugins import Plugins
from rlvr_ops_core.scoring import Engine, bind_component

FUNCTIONS = """
import time

def trl(completions, answer, tone=None, log_extra=None, log_metric=None, **_):
    if log_extra:
        log_extra("length", [len(text) for text in completions])
    if log_metric:
        log_metric("seen", len(completions))
    pairs = zip(completions, answer)
    return [None if gold is None else float(gold in text) for text, gold in pairs]

def trl_chat(prompts, completions, solution, **_):
    assert prompts[0][0]["role"] == "user"
    return [float(turn[-1]["content"] == gold) for turn, gold in zip(completions, solution)]

async def trl_async(completions, **_):
    return [0.25 for _ in completions]

def best(completions, **_):
    most = max(map(len, completions))
    return [float(len(text) == most) for text in completions]

def compute_score(data_source, solution_str, ground_truth, extra_info=None, strict=False):
    value = float(solution_str.strip() == ground_truth) if strict else 0.5
    return {"score": value, "acc": value > 0.9, "pred": solution_str, "source": data_source}

def plain(response, gold):
    return response == gold

def about(text, level, *, question):
    return {"reward": level / 10, "words": len(question.split())}

def hang(completion, answer):
    time.sleep(3600)

def broken(completion, answer):
    raise KeyError("as asked")

def wide(completion, answer):
    return 7.0

def ours(sample):
    return len(sample.text) == 1

class Orm:
    def __init__(self, args=None):
        self.args = args

    def __call__(self, completions, **_):
        return [0.75] * len(completions)
"""


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    file = tmp_path / "their_functions.py"
    file.write_text(FUNCTIONS)
    return file


def judged(
    component: str, options: dict[str, Any], *samples: Sample, timeout_s: float = 5.0
) -> list[Verdict]:
    found = Plugins.discover(only=["bridge"]).find("reward", component)
    with Engine(bind_component(found, options, timeout_s=timeout_s), workers=1) as engine:
        return engine.score(samples)


def sample(text: str, answer: Any = "4", prompt: Any = "2 + 2 =", **data: Any) -> Sample:
    return Sample(Task("1", prompt, answer, data, "theirs"), text, group="1")


def test_a_trl_function_judges_and_its_logs_become_parts(functions: Path) -> None:
    options = {"function": f"{functions}:trl"}
    right, wrong, none = judged("bridge/trl", options, sample("4"), sample("5"), sample("4", None))
    assert (right.value, wrong.value) == (1.0, 0.0)
    assert none.status == "abstain"
    assert {name: part.value for name, part in right.components.items()} == {"length": 1, "seen": 1}


def test_a_trl_function_of_messages_gets_messages(functions: Path) -> None:
    options = {"function": f"{functions}:trl_chat", "answer_column": "solution"}
    chat = [{"role": "user", "content": "2 + 2 ="}]
    (verdict,) = judged("bridge/trl", options, sample("4", prompt=chat))
    assert verdict.value == 1.0
    (verdict,) = judged("bridge/trl", options | {"chat": True}, sample("4"))
    assert verdict.value == 1.0


def test_async_functions_and_classes_are_called_as_trl_and_swift_do(functions: Path) -> None:
    (verdict,) = judged("bridge/trl", {"function": f"{functions}:trl_async"}, sample("4"))
    assert verdict.value == 0.25
    (verdict,) = judged("bridge/trl", {"function": f"{functions}:Orm"}, sample("4"))
    assert verdict.value == 0.75


def test_a_trl_function_that_compares_gets_whole_groups(functions: Path) -> None:
    options = {"function": f"{functions}:best"}
    verdicts = judged("bridge/trl_group", options, sample("a"), sample("bbb"), sample("bb"))
    assert [verdict.value for verdict in verdicts] == [0.0, 1.0, 0.0]


def test_verls_compute_score_gives_value_parts_and_texts(functions: Path) -> None:
    options = {"function": f"{functions}:compute_score", "arguments": {"strict": True}}
    (verdict,) = judged("bridge/verl", options, sample(" 4 "))
    assert verdict.value == 1.0
    assert verdict.components["acc"].value == 1.0
    assert verdict.info == {"pred": " 4 ", "source": "theirs"}


def test_a_plain_function_is_filled_by_its_parameters_names(functions: Path) -> None:
    (verdict,) = judged("bridge/plain", {"function": f"{functions}:plain"}, sample("4"))
    assert verdict.value == 1.0
    options = {"function": f"{functions}:about"}
    (verdict,) = judged("bridge/plain", options, sample("4", level=5))
    assert (verdict.value, verdict.components["words"].value) == (0.5, 4.0)
    (verdict,) = judged("bridge/plain", {"function": "operator:eq"}, sample("4"))
    assert verdict.value == 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [("trl", 1.0), ("compute_score", 0.5), ("plain", 1.0), ("ours", 1.0), ("Orm", 0.75)],
)
def test_a_functions_shape_is_told_by_its_parameters(
    functions: Path, name: str, value: float
) -> None:
    (verdict,) = judged("bridge/function", {"function": f"{functions}:{name}"}, sample("4"))
    assert verdict.value == value, verdict.info


def test_what_hangs_breaks_or_leaves_its_range_gets_no_verdict(functions: Path) -> None:
    cases = {"hang": "timeout", "broken": "error", "wide": "error"}
    for name, status in cases.items():
        options = {"function": f"{functions}:{name}"}
        (verdict,) = judged("bridge/plain", options, sample("4"), timeout_s=0.5)
        assert (verdict.value, verdict.status) == (None, status)
    assert "set low and high" in verdict.reason
    (verdict,) = judged("bridge/plain", options | {"high": 10}, sample("4"))
    assert verdict.value == 7.0


def test_a_function_that_is_not_there_is_found_before_the_first_answer(functions: Path) -> None:
    for where in (f"{functions}:nothing", "no_such_package:f", "their_functions", "math:nothing"):
        with pytest.raises(RewardLoadError, match="bridge/trl does not load"):
            judged("bridge/trl", {"function": where}, sample("4"))


def test_the_trainers_process_never_imports_the_function(functions: Path) -> None:
    import sys

    functions.write_text(FUNCTIONS + "\nimport sys\nsys.THEIRS = True\n")
    judged("bridge/trl", {"function": f"{functions}:trl"}, sample("4"))
    assert not hasattr(sys, "THEIRS")


def test_a_function_for_one_trainer_goes_into_another(functions: Path) -> None:
    from rlvr_bridge.scorer import close_all
    from rlvr_bridge.verl import compute_score_sync

    reference = json.dumps(
        {"theirs": {"use": "bridge/trl", "function": f"{functions}:trl", "low": -1}}
    )
    row = compute_score_sync("d", "4", "4", {}, reference=reference)
    assert (row["score"], row["reward/theirs"], row["rlvr_ok"]) == (1.0, 1.0, 1.0)
    row = compute_score_sync("d", "4", None, {}, reference=reference)
    assert (row["score"], row["rlvr_ok"]) == (-1.0, 0.0)
    close_all()


def test_trls_own_accuracy_reward_is_a_reward_here() -> None:
    pytest.importorskip("trl", reason="pip install trl runs this")
    pytest.importorskip("math_verify", reason="pip install math-verify runs this")
    options = {
        "function": "trl.rewards:accuracy_reward",
        "answer_column": "solution",
        "chat": True,
    }
    right, wrong = judged(
        "bridge/trl",
        options,
        sample(r"\boxed{\frac{1}{2}}", r"$\frac{1}{2}$"),
        sample(r"\boxed{3}", r"$\frac{1}{2}$"),
        timeout_s=60,
    )
    assert (right.value, wrong.value) == (1.0, 0.0), right.info


def test_a_data_set_of_verls_is_a_data_source(tmp_path: Path) -> None:
    from rlvr_bridge.incoming.rows import verl_rows

    row = {
        "data_source": "openai/gsm8k",
        "prompt": [{"role": "user", "content": "2 + 2 ="}],
        "reward_model": {"style": "rule", "ground_truth": "4"},
        "extra_info": {"split": "train", "index": 3},
    }
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps(row) + "\n" + json.dumps({"prompt": "no gold"}) + "\n")
    source = verl_rows(path=str(tmp_path / "{split}.jsonl"))
    task = next(source)
    assert (task.id, task.prompt_text, task.answer) == ("train/0", "2 + 2 =", "4")
    assert (task.source, task.data["index"]) == ("openai/gsm8k", 3)
    with pytest.raises(DataError, match="row 1: needs prompt and reward_model"):
        next(source)


def test_a_reasoning_gym_data_set_needs_no_bridge() -> None:
    pytest.importorskip("reasoning_gym", reason='pip install "rlvr-ops[reasoning-gym]" runs this')
    from rlvr_bridge.sources import tasks_of

    tasks = list(tasks_of("data/reasoning_gym", {"task": "chain_sum", "limit": 3}))
    found = Plugins.discover(only=["data"]).find("reward", "data/reasoning_gym")
    with Engine(bind_component(found, {}), workers=1) as engine:
        verdicts = engine.score([Sample(task, task.answer) for task in tasks])
    assert [verdict.value for verdict in verdicts] == [1.0, 1.0, 1.0]
