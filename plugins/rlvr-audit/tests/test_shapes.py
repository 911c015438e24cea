"""Every shape of reward is told from its signature, called its way and read alike."""

import pytest
from rlvr_audit import audit

from rlvr_ops_core import RewardLoadError

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
    "class_of_trl": "class reward:\n    def __call__(self, completions, answer, **kwargs):\n        return [right(c, a) for c, a in zip(completions, answer, strict=True)]",
    "class_of_ours": "class reward:\n    def __call__(self, sample):\n        return right(sample.text, sample.task.answer)",
    "object": "class R:\n    def __init__(self, low):\n        self.low = low\n\n    def __call__(self, completion, gold):\n        return right(completion, gold)\n\nreward = R(0)",
    "object_of_ours": "class R:\n    def __call__(self, sample):\n        return right(sample.text, sample.task.answer)\n\nreward = R()",
    "parser": "def reward(parser, completion, answer):\n    return right(parser.parse_answer(completion) or '', answer)",
    "columns": "def reward(prediction, gold, level, *, limit):\n    assert (level, limit) == (3, 9)\n    return right(prediction, gold)",
    "named_result": "from collections import namedtuple\n\nR = namedtuple('R', 'score why')\n\nclass Result:\n    def __init__(self, reward):\n        self.reward = reward\n\ndef reward(response, expected):\n    return Result(right(response, expected))",
    "relative_group": "def reward(group):\n    values = [right(s.text, s.task.answer) for s in group]\n    mean = sum(values) / len(values)\n    return [0.5 + (v - mean) / 2 for v in values]",
}
HEAD = "import re\n\ndef right(text, gold):\n    found = re.findall(r'\\\\boxed\\{([^{}]*)\\}', text)\n    return float(bool(gold) and found[-1:] == [gold])\n\n\n"


@pytest.mark.parametrize("name", SHAPES)
def test_shape_is_told_and_called(name, tmp_path, boxed):
    file = tmp_path / "shape.py"
    file.write_text(HEAD + SHAPES[name] + "\n")
    cases = [{**case, "level": 3, "limit": 9} for case in boxed]
    report = audit(
        f"{file}:reward", cases=cases, only=["cases/*", "contract/verdicts", "channel/near_miss"]
    )
    assert report.worst == "none", [f"{one.what} {one.got}" for one in report.findings]
    assert report.rates["attacks paid"].tried > 0


def test_method_of_a_class_gets_an_object(tmp_path, boxed):
    file = tmp_path / "rubric.py"
    file.write_text(
        HEAD + "class Rubric:\n    def __init__(self, low=0.0):\n        self.low = low\n\n"
        "    def score(self, completion, answer):\n"
        "        return right(completion, answer) or self.low\n"
    )
    assert audit(f"{file}:Rubric.score", cases=boxed, only=["cases/*"]).worst == "none"


def test_gold_in_a_column_is_known_for_the_gold(tmp_path, boxed):
    file = tmp_path / "column.py"
    file.write_text(
        HEAD + "def reward(sample):\n    gold = sample.task.data['target']\n"
        "    return float(str(gold) in sample.text)\n"
    )
    cases = [{**case, "gold": None, "data": {"target": case["gold"]}} for case in boxed]
    report = audit(f"{file}:reward", cases=cases, only=["channel/shotgun", "channel/pattern_gold"])
    assert report.kind == "answer"
    assert [one.probe for one in report.findings] == ["channel/shotgun"]


def test_shape_can_be_said(tmp_path, boxed):
    file = tmp_path / "odd.py"
    file.write_text(HEAD + "def reward(x, y):\n    return right(x, y)\n")
    report = audit(f"{file}:reward", cases=boxed, shape="plain", only=["cases/*"])
    assert report.worst == "none"


def test_module_of_a_package_that_can_not_be_imported_is_loaded_alone(tmp_path, boxed, monkeypatch):
    """As verl's scorers where ray is not installed: the package fails, the file does not."""
    package = tmp_path / "half_installed"
    package.mkdir()
    (package / "__init__.py").write_text("import no_such_package_of_theirs\n")
    shape = SHAPES["verl"].replace("reward(", "compute_score(", 1)
    (package / "scorer.py").write_text(HEAD + shape + "\n")
    monkeypatch.chdir(tmp_path)
    report = audit("half_installed.scorer:compute_score", cases=boxed, only=["recall/context"])
    assert report.shape == "verl"
    (package / "scorer.py").write_text("from half_installed import more\n")
    with pytest.raises(RewardLoadError, match="no_such_package_of_theirs"):
        audit("half_installed.scorer:compute_score", cases=boxed)
