"""math/equal on GSM8K's own labelled model solutions, against the labels and against math-verify.

    python benchmarks/math/gsm8k_solutions.py example_model_solutions.jsonl

The file is grade_school_math/data/example_model_solutions.jsonl of openai/grade-school-math. Each
solution is given in three renderings; every verdict that differs from the label or from math-verify
is listed. The last line printed is one JSON object.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from verifiers import load

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def renderings(file: Path) -> Iterator[tuple[str, str, bool]]:
    """Gold answer, completion, and whether the label says that it is right."""
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        gold = row["ground_truth"].rpartition("A:")[2].strip().replace(",", "")
        for model in MODELS:
            body, marked, answer = row[model]["solution"].rpartition("A:")
            if not marked:
                continue
            answer, label = answer.strip(), bool(row[model]["is_correct"])
            yield gold, f"{body}\\boxed{{{answer}}}", label
            yield gold, f"{body}\n#### {answer}", label
            yield gold, f"{body}\nThe answer is {answer}.", label


def main() -> None:
    """Judge every solution with both."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit(__doc__)
    ours, theirs = load("math/equal"), load("math-verify")
    count, mislabelled, differ = 0, 0, 0
    for gold, completion, label in renderings(Path(sys.argv[1])):
        count += 1
        mine, other = bool(ours(gold, completion)), bool(theirs(gold, completion))
        mislabelled += mine is not label
        differ += mine is not other
        if mine is not label or mine is not other:
            print(f"gold {gold!r}, label {label}, math/equal {mine}, math-verify {other}: "
                  f"{completion[-80:]!r}")  # fmt: skip
    print(json.dumps({"verdicts": count, "differ_from_label": mislabelled, "differ": differ}))


if __name__ == "__main__":
    main()
