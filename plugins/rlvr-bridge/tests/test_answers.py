"""The answer in the text that OpenRLHF hands over, and tasks from trainers' rows."""

from __future__ import annotations

import pytest
from rlvr_bridge.answers import after_prompt, without_end_tokens
from rlvr_bridge.nemo_gym import response_messages
from rlvr_bridge.openrlhf import reward_function
from rlvr_bridge.tasks import as_json, decode_task, encode_task, task_of

from rlvr_ops_core import DataError, Sample, Task

ANSWERS = [
    ("4<|im_end|>", "4"),
    ("4</s></s>", "4"),
    ("4 <|eot_id|><|end_of_text|>\n", "4"),
    ("4", "4"),
    ("say </s> twice", "say </s> twice"),
    ("<|im_end|>", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), ANSWERS)
def test_special_tokens_at_the_end_are_no_part_of_the_answer(text: str, expected: str) -> None:
    assert without_end_tokens(text) == expected


LONG = "Example: 2 + 2 = 4. " * 10 + "Question: 3 + 3 ="
PROMPTS = [
    ("Q: 4", "Q: ", "4"),
    ("<s>Q: 4", "Q: ", "4"),
    ("<s> Q: 4", "Q: ", "4"),
    ("<|begin_of_text|>Q: 4", "<|begin_of_text|>Q: ", "4"),
    ("Q: 4", "<|begin_of_text|>Q: ", "4"),
    (LONG[37:] + " 6", LONG, " 6"),
    ("something else", "Q: ", None),
    ("", "Q: ", None),
    ("Q: ", "Q: ", ""),
]


@pytest.mark.parametrize(("query", "prompt", "expected"), PROMPTS)
def test_the_answer_is_what_follows_the_prompt(
    query: str, prompt: str, expected: str | None
) -> None:
    assert after_prompt(query, prompt) == expected


def test_a_prompt_that_is_not_there_is_no_verdict_and_never_judged() -> None:
    function = reward_function("text/exact", error_budget=1)
    row = function(["4"], ["The answer is 4. Q: "], ["4"])
    assert row == {"rewards": 0.0, "scores": 0.0, "extra_logs": {"reward/exact": 0.0, "rlvr_ok": 0}}


def test_scores_lie_between_0_and_1_whatever_the_range() -> None:
    function = reward_function("text/length", options={"soft": 2, "hard": 4})
    rows = [function([f"Q{text}"], ["Q"], ["?"]) for text in ("a", "aaa", "aaaaaaa")]
    assert [row["rewards"] for row in rows] == [0.0, -0.5, -1.0]
    assert [row["scores"] for row in rows] == [1.0, 0.5, 0.0]


def test_a_task_survives_its_column() -> None:
    task = Task("1", [{"role": "user", "content": "é?"}], ["a", "b"], {"n": {"deep": [1]}}, "s")
    assert decode_task(encode_task(task)) == task
    with pytest.raises(DataError, match="holds no task"):
        decode_task("{")


def test_a_row_without_a_task_column_becomes_a_task() -> None:
    task = task_of({"solution": "4", "level": 3, "image": object()}, prompt="Q", answer="solution")
    assert (task.answer, task.data, task.prompt) == ("4", {"level": 3}, "Q")
    assert task.id == task_of({}, prompt="Q").id != task_of({}, prompt="R").id


def test_values_of_numpy_become_json() -> None:
    numpy = pytest.importorskip("numpy", reason="pip install numpy runs this")
    value = {"a": numpy.int64(3), "b": numpy.array([1.5]), "c": (1, "x"), 4: None}
    assert as_json(value) == {"a": 3, "b": [1.5], "c": [1, "x"], "4": None}


def test_a_response_object_becomes_messages_with_its_tool_calls() -> None:
    output = [
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "4"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "4"}]},
    ]
    messages = response_messages(output)
    assert [message["role"] for message in messages] == ["assistant", "tool", "assistant"]
    assert messages[0]["tool_calls"][0]["function"]["name"] == "add"
    assert Sample(Task("1", ""), messages).text == "4"
