"""Sound rewards of an unusual design: none of them may be called critical."""

import difflib
import json
import math
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

from rlvr_ops_core import Score, reward


def box_in(text):
    found = re.findall(r"\\boxed\{([^{}]*)\}", text)
    return found[-1].strip() if found else ""


def number_in(text):
    found = re.fullmatch(r"-?\d{1,15}(?:\.\d{1,15})?", text.strip())
    return float(found[0]) if found else None


def last_box(completion, answer):
    """The plainest: the last box is the answer."""
    return float(box_in(completion) == answer) if answer else None


def minus_one(completion, answer):
    if not answer:
        return None
    return 1.0 if box_in(completion) == answer else -1.0


def silence_is_better(completion, answer):
    """Wrong costs, saying that one does not know is free."""
    if not answer:
        return None
    said = box_in(completion)
    return 0.0 if not said else (1.0 if said == answer else -1.0)


def abstains_often(completion, answer):
    """Only whole numbers in a box are judged; everything else is not for this reward."""
    said = box_in(completion)
    if not re.fullmatch(r"-?\d+", said) or not re.fullmatch(r"-?\d+", answer or ""):
        return None
    return float(int(said) == int(answer))


def percent(completion, answer):
    """From 0 to 100."""
    return 100.0 * (box_in(completion) == answer) if answer else None


def negative_error(completion, answer):
    """The less wrong the better, and never above zero."""
    gold, said = number_in(answer or ""), number_in(box_in(completion))
    if gold is None:
        return None
    return -1.0 if said is None else -min(1.0, abs(said - gold) / (1 + abs(gold)))


def within_a_percent(completion, answer):
    """A measurement: to one in a hundred."""
    gold, said = number_in(answer or ""), number_in(completion.rpartition("Answer:")[2])
    if gold is None:
        return None
    return float(said is not None and abs(said - gold) <= 0.01 * abs(gold))


def bell(completion, answer):
    gold, said = number_in(answer or ""), number_in(box_in(completion))
    if gold is None:
        return None
    return math.exp(-((said - gold) ** 2) / 50) if said is not None else 0.0


def similar(completion, answer):
    """How much of the text is alike."""
    if not answer:
        return None
    return difflib.SequenceMatcher(None, completion[:500].strip(), answer).ratio()


def token_f1(completion, answer):
    if not answer:
        return None
    said, gold = (Counter(re.findall(r"\w+", one.lower())) for one in (completion, answer))
    both = sum((said & gold).values())
    return 2 * both / (sum(said.values()) + sum(gold.values()))


def slow_and_linear(completion, answer):
    """A careful reader: some microseconds for every character."""
    if not answer:
        return None
    seen = 0
    for letter in completion[:40_000]:
        seen += sum(letter == other for other in "abcdefghijklmnopqrstuvwxyz0123456789" * 2)
    return float(box_in(completion) == answer and seen >= 0)


def slow_start(completion, answer):
    """A verifier that needs its time for every answer."""
    time.sleep(0.03)
    return float(box_in(completion) == answer) if answer else None


def exact_case(completion, answer):
    return float(completion == answer) if answer else None


def strict_form(completion, answer):
    """One line of JSON and nothing else."""
    if not answer:
        return None
    found = re.fullmatch(r'\{"answer": "([^"{}]*)"\}', completion)
    return float(found is not None and found[1] == answer)


def either_of(completion, answer):
    """Any of the golds, in full."""
    if not isinstance(answer, list) or not answer:
        return None
    return float(completion.strip().lower() in {one.lower() for one in answer})


def letter_or_text(completion, answer, info):
    """The letter of the choice, or its text."""
    if not answer or answer not in info.get("options", {}):
        return None
    said = completion.strip().rstrip(".").lower()
    return float(said in {answer.lower(), info["options"][answer].lower()})


def first_choice(completion, answer):
    """What is said first counts."""
    found = re.match(r"\s*\(?([A-D])\)?(?:[.):\s]|$)", completion)
    return float(found is not None and found[1] == answer) if answer else None


def over_long(completion, answer):
    """A long text costs, softly, as in DAPO."""
    if not answer:
        return None
    base = 1.0 if box_in(completion) == answer else -1.0
    return base - min(1.0, max(0, len(completion) - 4_000) / 4_000)


@reward(range=(-1, 2), components=("right", "form"))
def weighted(sample):
    if not sample.task.answer:
        return None
    parts = {
        "right": float(box_in(sample.text) == sample.task.answer),
        "form": float(sample.text.count("\\boxed{") == 1),
    }
    return Score(parts["right"] + 0.2 * parts["form"] * parts["right"], parts)


@reward(timeout_s=20)
def declared(sample):
    if not sample.task.answer:
        return None
    return float(box_in(sample.final) == sample.task.answer)


@reward(range=(-1, 1))
def relative(group):
    """Better than the others of the same task."""
    if not group[0].task.answer:
        return [None] * len(group)
    values = [float(box_in(one.text) == one.task.answer) for one in group]
    mean = sum(values) / len(values)
    return [value - mean for value in values]


def pooled(completions, answer, **kwargs):
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(last_box, completions, answer))


LOCK, CACHE = threading.Lock(), {}


def remembered(completion, answer):
    """A cache by all that counts, of a size that ends."""
    if not answer:
        return None
    with LOCK:
        if len(CACHE) > 100:
            CACHE.clear()
        return CACHE.setdefault((completion, answer), float(box_in(completion) == answer))


PRICES = Path(__file__).with_name("cases.py")


def reads_a_file(completion, answer):
    """What it needs lies beside it."""
    return float(box_in(completion) == answer) if answer and PRICES.read_text() else None


class Rubric:
    """An object with a client that is asked for every answer."""

    def __init__(self, client):
        self.client = client

    async def score(self, completion, answer):
        if not answer:
            return None
        return float(await self.client.same(box_in(completion), answer))


class Client:
    async def same(self, said, gold):
        return said == gold


rubric = Rubric(Client()).score


def fraction_equal(completion, answer):
    """1/2, 2/4 and 0.5 are one number."""

    def value(text):
        try:
            return Fraction(text.strip()) if len(text) < 30 else None
        except (ValueError, ZeroDivisionError):
            return None

    gold = value(answer or "")
    if gold is None:
        return None
    return float(value(completion.rpartition("Answer:")[2]) == gold)


def fields_share(completion, answer):
    """The share of the fields that are right."""
    if not isinstance(answer, dict) or not answer:
        return None
    try:
        said = json.loads(completion)
    except (ValueError, RecursionError):
        return 0.0
    if not isinstance(said, dict):
        return 0.0
    return sum(said.get(key) == value for key, value in answer.items()) / max(
        len(answer), len(said)
    )


def last_number(completion, answer):
    """The last number of the text, as GSM8K's own script does."""
    if not answer:
        return None
    found = re.findall(r"-?\d+(?:\.\d+)?", completion.replace(",", ""))
    return float(bool(found) and found[-1] == answer)


def raises_on_no_answer(completion, answer):
    """An answer that is not there is an error: the trainer is told."""
    if "\\boxed{" not in completion:
        return 0.0
    return float(box_in(completion) == answer) if answer else None


def binary_int(completion, answer):
    return int(box_in(completion) == answer) if answer else None


def truthy(completion, answer):
    return box_in(completion) == answer if answer else None


def of_some_length(completion):
    """From ten to sixty words."""
    return float(10 <= len(completion.split()) <= 60)


def json_at_all(completion):
    try:
        return float(isinstance(json.loads(completion), dict))
    except (ValueError, RecursionError):
        return 0.0


def few_repeats(completions, **kwargs):
    """Minus the share of three words in a row that were there before, as in TRL's recipes."""
    values = []
    for text in completions:
        words = text.lower().split()
        threes = list(zip(words, words[1:], words[2:]))
        values.append(len(set(threes)) / len(threes) - 1.0 if threes else 0.0)
    return values


def mostly_ascii(completion):
    """Written in the language that was asked for."""
    return sum(char.isascii() for char in completion) / max(1, len(completion))


def both_blocks(completions, **kwargs):
    pattern = r"(?:<think>)?\s*\S[^<]*</think>\s*<answer>\s*\S[^<]*</answer>\s*"
    return [float(re.fullmatch(pattern, one) is not None) for one in completions]


def soft_limit(completions, completion_ids, **kwargs):
    """A punishment for answers that come near the limit, as DAPO's."""
    return [-min(1.0, max(0.0, (len(ids) - 100) / 100)) for ids in completion_ids]
