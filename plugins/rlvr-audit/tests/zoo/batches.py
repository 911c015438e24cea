"""Bugs in batches, state, order and chance."""

import asyncio
import random
import re
import threading
import time

from extraction import the_box

CACHE = {}
SEEN = []
FILES = []
CURRENT = {"text": ""}


def right(text, gold):
    return float(the_box(text) == gold)


def columns_sound(completions, answer, **kwargs):
    return [
        right(one, gold) if gold else None for one, gold in zip(completions, answer, strict=True)
    ]


def sample_sound(sample):
    return right(sample.text, sample.task.answer) if sample.task.answer else None


def samples_sound(samples):
    return [sample_sound(sample) for sample in samples]


async def async_sound(sample):
    await asyncio.sleep(0)
    return sample_sound(sample)


def zip_truncates(completions, answer, **kwargs):
    return [right(one, gold) for one, gold in zip(completions, answer, strict=False)]


def drops_empty(samples):
    return [right(s.text, s.task.answer) for s in samples if the_box(s.text)]


def shifted(completions, answer, **kwargs):
    return [
        right(one, answer[(n + 1) % len(answer)] if len(answer) > 1 else answer[0])
        for n, one in enumerate(completions)
    ]


def first_gold(completions, answer, **kwargs):
    return [right(one, answer[0]) for one in completions]


def by_prompt(sample):
    key = sample.task.prompt
    if key not in CACHE:
        CACHE[key] = right(sample.text, sample.task.answer)
    return CACHE[key]


def by_completion(completion, answer):
    if completion not in CACHE:
        CACHE[completion] = right(completion, answer)
    return CACHE[completion]


def pair_sound(completion, answer):
    return right(completion, answer) if answer else None


def changes_input(completions, answer, **kwargs):
    for number, one in enumerate(completions):
        completions[number] = one.strip().lower()
    return [right(one, gold) for one, gold in zip(completions, answer, strict=True)]


def only_once(sample, *, seen=SEEN):
    value = right(sample.text, sample.task.answer)
    if sample.text in seen:
        return 0.0
    seen.append(sample.text)
    return value


def noisy(sample):
    return min(1.0, max(0.0, right(sample.text, sample.task.answer) + random.gauss(0, 0.05)))


def set_order(sample):
    found = set(re.findall(r"\\boxed\{(.*?)\}", sample.text)) or set(
        re.findall(r"\d+", sample.text)
    )
    return float(bool(found) and next(iter(found)) == sample.task.answer)


def by_hash(sample):
    if hash(sample.text) % 3 == 0:
        return 0.0
    return right(sample.text, sample.task.answer)


def by_clock(sample):
    return 0.9 * right(sample.text, sample.task.answer) + 0.1 * (
        time.gmtime(time.time()).tm_mday % 2
    )


def normalised(samples):
    values = [right(s.text, s.task.answer) for s in samples]
    mean = sum(values) / len(values)
    return [max(0.0, min(1.0, 0.5 + value - mean)) for value in values]


def ranked(completions, answer, **kwargs):
    values = [
        right(one, gold) + len(one) * 1e-6 for one, gold in zip(completions, answer, strict=True)
    ]
    order = sorted(values)
    return [order.index(value) / max(1, len(values) - 1) for value in values]


def of_the_best(samples):
    values = [right(s.text, s.task.answer) + 0.5 for s in samples]
    return [value / max(values) for value in values]


def no_repeats(samples):
    seen, values = set(), []
    for sample in samples:
        values.append(0.0 if sample.text in seen else right(sample.text, sample.task.answer))
        seen.add(sample.text)
    return values


def sorted_rows(completions, answer, **kwargs):
    rows = sorted(zip(completions, answer, strict=True), key=lambda row: len(row[0]))
    return [right(one, gold) for one, gold in rows]


def shared_global(sample):
    CURRENT["text"] = sample.text
    gold = sample.task.answer
    text = CURRENT["text"]
    return right(text, gold)


async def async_race(sample):
    CURRENT["text"] = sample.text
    await asyncio.sleep(0)
    return right(CURRENT["text"], sample.task.answer)


def remembers_everything(sample):
    CACHE[f"{sample.task.id} {sample.text}"] = True
    CACHE[id(sample)] = sample.text + " "
    return right(sample.text, sample.task.answer)


def leaves_files_open(sample):
    FILES.append(open("/dev/null"))
    return right(sample.text, sample.task.answer)


def leaves_threads(sample):
    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    return right(sample.text, sample.task.answer)


def seeds(sample):
    random.seed(0)
    return right(sample.text, sample.task.answer)


def no_keywords(completions, answer):
    return [
        right(one, gold) if gold else None for one, gold in zip(completions, answer, strict=True)
    ]


def default_gold(completions, **kwargs):
    golds = kwargs.get("answer") or [""] * len(completions)
    return [
        float(str(gold) in one) if gold else 0.0
        for one, gold in zip(completions, golds, strict=True)
    ]


def group_by_index(group):
    """The first answer of a group is taken for the best."""
    return [
        right(sample.text, sample.task.answer) if place else 1.0
        for place, sample in enumerate(group)
    ]


def group_sound(group):
    return [sample_sound(sample) for sample in group]
