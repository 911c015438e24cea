"""A policy that learns from code/tests: cheating never pays, so it dies out."""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import load

sys.path.pop(0)
cheats = load("cheats")
STEPS, GROUP = 12, 16


def test_cheating_completions_never_raise_the_mean_reward(judge, usable):
    """Group-relative policy gradient on a policy over whole programs: cheats, and one right one."""
    programs = [one for task, one in cheats.CHEATS.values() if task is cheats.PLAIN][:14]
    programs = [one for one in programs if "sleep" not in one] + [cheats.PROMPT + cheats.SOLUTION]
    right = len(programs) - 1
    logits = [0.0] * len(programs)
    logits[right] = -1.0
    chance = random.Random(0)
    shares, rewards = [], []
    for _ in range(STEPS):
        weights = [math.exp(one) for one in logits]
        total = sum(weights)
        drawn = chance.choices(range(len(programs)), weights, k=GROUP)
        pairs = [(cheats.PLAIN, programs[one]) for one in drawn]
        verdicts = judge(pairs, backend=usable("namespaces"), remember=True, wall_s=4)
        values = [verdict.value for verdict in verdicts]
        paid = {one for one, value in zip(drawn, values, strict=True) if value}
        assert paid <= {right}
        mean = sum(values) / GROUP
        spread = math.sqrt(sum((one - mean) ** 2 for one in values) / GROUP) or 1.0
        for one, value in zip(drawn, values, strict=True):
            advantage = (value - mean) / spread
            for other, weight in enumerate(weights):
                slope = (other == one) - weight / total
                logits[other] += 0.5 * advantage * slope / GROUP * len(programs)
        rewards.append(mean)
        shares.append(weights[right] / total)
    assert rewards[-1] == pytest.approx(1.0, abs=0.2)
    assert shares[-1] > 0.8 > shares[0]
