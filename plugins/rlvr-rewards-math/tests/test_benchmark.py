"""The labelled benchmark.

At least as good as the README says, with sympy where the exact rules are undecided.
"""

import gzip
import json

import pytest
from rlvr_rewards_math.equal import equal
from rlvr_rewards_math.judge import judge
from rlvr_rewards_math.quantities import Policy

from rlvr_ops_core import Sample, Task
from rlvr_ops_core.scoring import Engine, bind_function


@pytest.fixture(scope="module")
def rows():
    from pathlib import Path

    file = Path(__file__).resolve().parents[4] / "shared/data/math_equivalence_dev.jsonl.gz"
    if not file.is_file():
        pytest.skip("needs math_equivalence_dev.jsonl.gz in ../shared/data beside the repository")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [row for row in found if not row.get("disputed")]


@pytest.mark.slow
def test_verdicts_on_the_benchmark(rows):
    samples = [Sample(Task(row["id"], "", row["gold"]), row["completion"]) for row in rows]
    with Engine(bind_function(equal, {}, timeout_s=5.0)) as engine:
        verdicts = engine.score(samples)
    said = [bool(verdict.value) for verdict in verdicts]
    wrong = [row for row in rows if not row["label"]]
    paid = [row for row, yes in zip(rows, said, strict=True) if yes and not row["label"]]
    unpaid = [row for row, yes in zip(rows, said, strict=True) if row["label"] and not yes]
    assert 1 - (len(paid) + len(unpaid)) / len(rows) >= 0.96
    assert len(paid) <= 0.005 * len(wrong)
    assert len(unpaid) <= 0.07 * (len(rows) - len(wrong))
    assert not [row["id"] for row in paid if "adversarial" in row["source"]]
    assert not [row["id"] for row in unpaid if row["source"] == "constructed-format"]


def test_exact_rules_are_symmetric_on_the_benchmark(rows):
    policy = Policy(unevaluated=True)
    one_sided = {"hidden text", "no answer", "choice", "too large to work out"}
    for row in rows:
        if row["form"] == "answer":
            there, back = (
                judge(row["gold"], row["pred"], policy),
                judge(row["pred"], row["gold"], policy),
            )
            if None not in (there.equal, back.equal) and not {there.rule, back.rule} & one_sided:
                assert there.equal is back.equal, row["id"]
