"""What no single level shows: spikes, frozen, wild, reversed or other rewards, evaluations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from rlvr_monitor.health.sequential import Cusum, excess
from rlvr_monitor.health.tracks import START, Track, middle

SPIKE_TIMES, TWICE_TIMES = 8.0, 4.0
"""How high one gradient may be, and each of two in a row."""
SPIKE_DEVIATIONS = 5.5
LOSS_TIMES = 25.0
TIMES_AS_WILD = 3.0
FEWEST_EQUAL = 4
SAME_SINCE_START = 15
JUMP_DEVIATIONS = 3.5
TURNED = 0.4
MOST_VALUES, VALUES_OVER = 4, 8
"""A reward that gave at most so many values over so many points …"""
MANY_NEW, NEW_SHARE, MOSTLY_NEW = 4, 0.25, 0.75
"""… may not give so many others in one batch, to so large a share of it; nor any to most of it."""
PARTS_SHARE = 0.75
"""Of the usual height: that another part rose or holds meanwhile is evidence too."""


def grad_spike(track: Track) -> float | None:
    """The limit that the newest gradient, or the newest two, pass; None if they pass none."""
    for count, fewest in ((1, SPIKE_TIMES), (2, TWICE_TIMES)):
        past = track.values[-40 - count : -count]
        if len(past) < START:
            return None
        level = median(past)
        spread = median([abs(track.scaled(one) - track.scaled(level)) for one in past]) * 1.4826
        limit = level * max(fewest, math.exp(min(20.0, SPIKE_DEVIATIONS * spread)))
        if min(track.values[-count:]) > limit > 0:
            return limit
    return None


def reversed_pay(track: Track) -> bool:
    """What longer answers were paid, the newest three points pay to shorter ones, or the reverse.

    `track` is the concordance of length and reward inside groups, from -1 to 1. No learning turns
    it round from one step to the next.
    """
    past, newest = track.values[-13:-3], track.values[-3:]
    if len(past) < 8:
        return False
    then = median(past)
    side = math.copysign(1.0, then)
    others = sorted(side * one for one in past)
    return abs(then) >= TURNED and others[1] > 0 and max(side * one for one in newest) <= -TURNED


class Values:
    """Which values the reward gives, as long as they are few: all at once it gives others.

    A judge of right and wrong gives two, a sum of a few such parts some more. Learning may add
    one now and then, not many of which none was seen before.
    """

    def __init__(self) -> None:
        self.known: set[float] = set()
        self.points = 0

    def update(self, values: Sequence[float]) -> float | None:
        """Take a batch; the share of it that is new, if that is ill."""
        if not values or len(self.known) > MOST_VALUES:
            return None
        rounded = [round(value, 9) for value in values]
        new = [value for value in rounded if value not in self.known]
        self.known.update(new)
        self.points += 1
        share = len(new) / len(values)
        many = share >= NEW_SHARE and len(set(new)) >= MANY_NEW
        return share if (many or share >= MOSTLY_NEW) and self.points > VALUES_OVER else None


def loss_explosion(track: Track) -> float | None:
    """The limit that three losses in a row pass: 25 times their usual distance from the median."""
    past = track.values[-43:-3]
    if len(past) < 2 * START:
        return None
    level = median(past)
    spread = median([abs(one - level) for one in past]) * 1.4826
    limit = level + LOSS_TIMES * max(spread, 1e-3 * abs(level), 1e-6)
    return limit if min(track.values[-3:]) > limit else None


def jumped(track: Track) -> float | None:
    """The level before, if the last three points lie a jump above all of it; else None.

    A jump is 3.5 deviations, and a fifth of the largest value seen lately. Learning rises in steps
    no larger than those before, which the deviation holds; a leaked answer does not.
    """
    past, newest = track.values[-13:-3], track.values[-3:]
    if len(past) < 8:
        return None
    largest = max(map(abs, [*past, *newest]))
    then = middle(past[-5:])
    size = sum(newest) / 3 - then
    apart = min(newest) - sorted(past)[-2] > 0.35 * size
    enough = size > max(JUMP_DEVIATIONS * track.deviation, 0.2 * largest)
    return then if enough and apart else None


def shortcut(reward: Track, lengths: Track) -> bool:
    """Answers are a third shorter from one step to the next, and are paid better for it.

    What a model learns to leave out it leaves out by and by; a leaked answer it copies at once.
    """
    now, then = lengths.values[-3:], lengths.values[-13:-5]
    before, after = reward.values[-13:-5], reward.values[-3:]
    if len(then) < 8 or len(before) < 8 or min(then) <= 0 or min(now) <= 0:
        return False
    fell = math.log(middle(then) / max(now))
    apart = max(now) < min(then)
    gain = min(after) - middle(before)
    enough = fell > max(math.log(1.5), JUMP_DEVIATIONS * lengths.deviation)
    return apart and enough and gain > max(0.03, 0.5 * reward.deviation)


def frozen(track: Track) -> bool:
    """The newest points are equal to the last bit, oftener than by chance once in a million.

    Chance is how often neighbours were equal before: small batches repeat a mean now and then. A
    reward that has been the same ever since the start is frozen after `SAME_SINCE_START` points.
    """
    tail = 1
    while tail < len(track.values) and track.values[-tail - 1] == track.now:
        tail += 1
    if tail == track.count:
        return tail >= SAME_SINCE_START
    past = track.values[-tail - 60 : -tail]
    if tail < FEWEST_EQUAL or len(past) < 8:
        return False
    equal = sum(a == b for a, b in pairwise(past))
    chance = (equal + 1) / (len(past) + 12)
    return len(set(past)) > 3 and chance ** (tail - 1) < 1e-6


class Wildness:
    """The reward's changes from step to step have grown: likelihood of thrice their size.

    A CUSUM of log-likelihood ratios; its height passes ln(n) about once in n points by chance. No
    change counts for more than one of six deviations: one jump alone is not wild.
    """

    def __init__(self, run_length: float) -> None:
        self.enough = 2 * math.log(run_length)  # neighbouring changes are correlated
        self.height = 0.0

    def update(self, track: Track) -> float | None:
        """Take the newest point; how many times their usual size changes are, if that is ill."""
        changes = [abs(b - a) for a, b in pairwise(track.values[-100:])]
        if len(changes) < 20:
            return None
        usual = max(median(changes[:-8]) / 0.6745, track.floor)
        times = min(3.0, changes[-1] / usual)
        self.height += 0.5 * times**2 * (1 - 1 / TIMES_AS_WILD**2) - math.log(TIMES_AS_WILD)
        self.height = min(max(0.0, self.height), 1.5 * self.enough)
        return median(changes[-8:]) / 0.6745 / usual if self.height > self.enough else None


class PartsApart:
    """One part of the reward falls while the total holds: the policy trades it for another part."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.cusums: dict[str, Cusum] = {}

    def update(self, total: Track | None, parts: Mapping[str, Track]) -> str:
        """Look at the newest point; the name of a part that fell, or ""."""
        found = ""
        if total is None or total.count < 2 * START or len(parts) < 2:
            return found
        held = total.recent >= total.before(40, 10) - max(0.02, total.deviation)
        for name, track in parts.items():
            if len(track.values) < 2 * START or track.best <= 0:
                continue
            others = [other for which, other in parts.items() if which != name]
            rise, rise_at_least = max(
                (other.recent - other.before(30, 8), 1.5 * other.deviation) for other in others
            )
            rose = rise > max(0.06, rise_at_least)
            stays = any(other.recent > other.best - 0.03 for other in others)
            cusum = self.cusums.setdefault(name, Cusum(PARTS_SHARE * self.threshold))
            traded = held or rise > max(0.12, 1.5 * rise_at_least)
            limit = min((0.74 if traded else 0.6) * track.best, track.best - 0.08)
            over = excess(
                limit - track.now, limit - track.values[-2], track.deviation, track.correlation
            )
            if cusum.update(over) and (rose or (held and stays)):
                found = found or name
        return found


class Evaluations:
    """The training reward beside the held-out one, at each evaluation."""

    def __init__(self) -> None:
        self.train: list[float] = []
        self.held_out: list[float] = []

    def update(self, train: float | None, held_out: float) -> str:
        """Take an evaluation; what is wrong, or "".

        The yardstick is the best median of three evaluations before; the noise is that of
        neighbours' differences.
        """
        if train is None:
            return ""
        self.train.append(train)
        self.held_out.append(held_out)
        count = len(self.held_out)
        if count < 3:
            return ""
        tests = self.held_out
        changes = sorted(abs(b - a) for a, b in pairwise(tests))
        noise = max(0.015, changes[len(changes) // 2 - (len(changes) % 2 == 0)] / 0.954)
        places = range(1, count - 1)
        best = max(places, key=lambda i: median(tests[max(0, i - 2) : i + 1]))
        level = median(tests[max(0, best - 2) : best + 1])
        trained = self.train[-1] - self.train[best]
        fell = level - tests[-1]
        fell_before = level - tests[-2]
        if trained > 0.02 and (
            min(fell, fell_before) > max(0.06, 2.0 * noise) or fell > max(0.14, 4 * noise)
        ):
            return "while the training reward rose, the held-out one fell"
        gap = (self.train[-1] - tests[-1]) - (self.train[0] - tests[0])
        gap_before = (self.train[-2] - tests[-2]) - (self.train[0] - tests[0])
        gained = median(tests[-2:]) - tests[0]
        if count >= 4 and min(gap, gap_before) > max(0.25, 5 * noise) and gained < 0.25 * gap:
            return "the training reward rose, and the held-out one did not follow"
        return ""
