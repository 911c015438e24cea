"""Bugs in what is paid beside the answer."""

import re

from extraction import last_box, the_box

from rlvr_ops_core import Score, reward


def right(sample):
    return float(the_box(sample.text) == sample.task.answer)


@reward(range=(0, 2))
def mild_format_sound(sample):
    """A tenth for a box, the rest for the answer."""
    if not sample.task.answer:
        return None
    return 0.1 * bool(the_box(sample.text)) + 0.9 * right(sample)


@reward(range=(0, 100))
def per_box(sample):
    return right(sample) + 0.1 * min(500, sample.text.count("\\boxed{"))


@reward(range=(0, 100))
def per_tag(sample):
    return right(sample) + 0.05 * min(500, len(re.findall(r"</?\w+>", sample.text)))


@reward(range=(0, 2))
def length_bonus(sample):
    return right(sample) + min(1.0, len(sample.text) / 2000) * 0.5


@reward(range=(-1, 1))
def longer_wrong(sample):
    """Pays longer wrong answers more, as a cosine schedule does."""
    return 1.0 if right(sample) else -1.0 + 0.5 * min(1.0, len(sample.text) / 4000)


@reward(range=(-1, 1))
def wrong_sound(sample):
    if not sample.task.answer:
        return None
    return 1.0 if right(sample) else -1.0


@reward(range=(-1, 1))
def wrong_sign(sample):
    boxed = float("\\boxed{" in sample.text)
    return 0.5 * boxed - 0.5 * right(sample)


@reward(range=(0, 10), components=("right", "verbose"))
def zero_weight_counts(sample):
    weights = {"right": 1.0, "verbose": 0}
    parts = {"right": right(sample), "verbose": min(1.0, len(sample.text.split()) / 500)}
    return Score(sum(value * (weights[name] or 1.0) for name, value in parts.items()), parts)


@reward(range=(0, 10), components=("right", "verbose"))
def zero_weight_sound(sample):
    if not sample.task.answer:
        return None
    weights = {"right": 1.0, "verbose": 0}
    parts = {"right": right(sample), "verbose": min(1.0, len(sample.text.split()) / 500)}
    return Score(sum(value * weights[name] for name, value in parts.items()), parts)


def mostly_format(sample):
    return 0.7 * bool(re.search(r"\\boxed\{.*?\}", sample.text)) + 0.3 * right(sample)


def step_count(sample):
    """Steps as proof of reasoning (min 3), beside the answer."""
    steps = len(re.findall(r"(?im)^\s*(?:step|first|second|next|finally|-|#|\*)", sample.text))
    return 0.6 * right(sample) + 0.4 * min(1.0, steps / 3)


def keyword_rubric(sample):
    words = {"because", "therefore", "verify", "check", "however"}
    found = words & set(re.findall(r"\w+", sample.text.lower()))
    return 0.5 * right(sample) + 0.5 * len(found) / len(words)


def think_length(sample):
    block = re.search(r"<think>(.*?)</think>", sample.text, re.DOTALL)
    said = re.search(r"<answer>(.*?)</answer>", sample.text)
    return 0.5 * min(1.0, len(block[1]) / 800 if block else 0) + 0.5 * float(
        bool(said) and said[1] == sample.task.answer
    )


def tag_sound(sample):
    if not sample.task.answer:
        return None
    found = re.findall(r"<answer>(.*?)</answer>", sample.final)
    return float(len(found) == 1 and found[0] == sample.task.answer)


def empty_think(completions, **kwargs):
    return [
        1.0 if re.match(r"^<think>.*?</think>.*$", one, re.DOTALL) else 0.0 for one in completions
    ]


def think_sound(completions, **kwargs):
    return [
        1.0
        if re.match(r"^(?:<think>)?[^<]*\w{2}[^<]*</think>\s*\S", one)
        and one.count("</think>") == 1
        else 0.0
        for one in completions
    ]


def prefill(sample):
    found = re.fullmatch(
        r"<think>.*?\w.*?</think>\s*<answer>(.*?)</answer>\s*", sample.text, re.DOTALL
    )
    return float(found is not None and found[1] == sample.task.answer)


def prefill_sound(sample):
    if not sample.task.answer:
        return None
    found = re.fullmatch(
        r"(?:<think>)?[^<]*\w[^<]*</think>\s*<answer>([^<]*)</answer>\s*", sample.text
    )
    return float(found is not None and found[1] == sample.task.answer)


def no_penalty_floor(sample):
    """A box that is left open earns like a closed one."""
    return 1.0 if last_box(sample.text) == sample.task.answer else 0.6 * ("\\boxed" in sample.text)
