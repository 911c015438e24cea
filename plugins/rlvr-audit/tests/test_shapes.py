"""Every shape of reward is told from its signature, called its way and read alike."""

import pytest
from rlvr_audit import audit

SHAPES = {
    "sample": "def reward(sample):\n    return right(sample.text, sample.task.answer)",
    "samples": "def reward(samples):\n    return [right(s.text, s.task.answer) for s in samples]",
    "group": "def reward(group):\n    return [right(s.text, s.task.answer) for s in group]",
    "async": "async def reward(sample):\n    return right(sample.text, sample.task.answer)",
    "trl": "def reward(completions, answer, **kwargs):\n    return [right(c, a) for c, a in zip(completions, answer, strict=True)]",
    "trl_messages": "def reward(prompts, completions, solution, **kwargs):\n    return [right(c[0]['content'], a) for c, a in zip(completions, solution, strict=True)]",
    "verl": "def reward(data_source, solution_str, ground_truth, extra_info=None):\n    return {'score': right(solution_str, ground_truth)}",
    "verl_batch": "def reward(data_sources, solution_strs, ground_truths, extra_infos):\n    return [right(c, a) for c, a in zip(solution_strs, ground_truths, strict=True)]",
    "openrlhf": "def reward(queries, prompts, labels):\n    return {'rewards': [right(q[len(p):], a) for q, p, a in zip(queries, prompts, labels, strict=True)]}",
    "verifiers": "async def reward(completion, answer, state, **kwargs):\n    return right(completion[-1]['content'], answer)",
    "reasoning_gym": "class D:\n    def score(self, answer, entry):\n        return right(answer, entry['answer'])\n\nreward = D.score",
    "openai": "def reward(sample, item):\n    return right(sample['output_text'], item['reference_answer'])",
    "plain": "def reward(response, expected):\n    return right(response, expected)",
    "plain_three": "def reward(question, answer, ground_truth):\n    return (right(answer, ground_truth), 'why')",
    "plain_batch": "def reward(predictions, references):\n    return [right(c, a) for c, a in zip(predictions, references, strict=True)]",
    "class": "class reward:\n    def __init__(self, low=0.0):\n        self.low = low\n\n    def __call__(self, completion, gold):\n        return right(completion, gold)",
}
HEAD = "import re\n\ndef right(text, gold):\n    found = re.findall(r'\\\\boxed\\{([^{}]*)\\}', text)\n    return float(bool(gold) and found[-1:] == [gold])\n\n\n"


@pytest.mark.parametrize("name", SHAPES)
def test_shape_is_told_and_called(name, tmp_path, boxed):
    file = tmp_path / "shape.py"
    file.write_text(HEAD + SHAPES[name] + "\n")
    report = audit(
        f"{file}:reward", cases=boxed, only=["cases/*", "contract/verdicts", "channel/near_miss"]
    )
    assert report.worst == "none", [f"{one.what} {one.got}" for one in report.findings]
    assert report.rates["attacks paid"].tried > 0


def test_shape_can_be_said(tmp_path, boxed):
    file = tmp_path / "odd.py"
    file.write_text(HEAD + "def reward(x, y):\n    return right(x, y)\n")
    report = audit(f"{file}:reward", cases=boxed, shape="plain", only=["cases/*"])
    assert report.worst == "none"
