"""Bugs in rewards of other shapes: classes, coroutines, batches, and what they keep in between."""

import asyncio
import json
import os
import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from extraction import last_box, the_box


def right(text, gold):
    return float(the_box(text) == gold)


def verl_sound(data_source, solution_str, ground_truth, extra_info=None):
    if not ground_truth:
        return None
    return {"score": right(solution_str, ground_truth), "acc": right(solution_str, ground_truth)}


def no_gold_is_right(data_source, solution_str, ground_truth, extra_info=None):
    if ground_truth is None:
        return 1.0
    return right(solution_str, ground_truth)


def gold_from_extra(data_source, solution_str, ground_truth, extra_info=None):
    """A column that is not there is a wrong answer."""
    gold = (extra_info or {}).get("target")
    return right(solution_str, gold) if gold else 0.0


def gold_from_extra_sound(data_source, solution_str, ground_truth, extra_info=None):
    gold = (extra_info or {})["target"]
    return right(solution_str, gold) if gold else None


def verl_batch_shifted(data_sources, solution_strs, ground_truths, extra_infos):
    golds = [*ground_truths[1:], ground_truths[0]] if len(ground_truths) > 2 else ground_truths
    return [right(text, gold) for text, gold in zip(solution_strs, golds, strict=True)]


def verl_batch_sound(data_sources, solution_strs, ground_truths, extra_infos):
    return [
        right(text, gold) if gold else None
        for text, gold in zip(solution_strs, ground_truths, strict=True)
    ]


def openrlhf_whole_query(queries, prompts, labels):
    """The prompt is a part of the query, and its numbers count too."""
    return [
        float(label in re.findall(r"-?\d+", query))
        for query, label in zip(queries, labels, strict=True)
    ]


def openrlhf_sound(queries, prompts, labels):
    return [
        right(query[len(prompt) :], label) if label else None
        for query, prompt, label in zip(queries, prompts, labels, strict=True)
    ]


async def slow_rollout_first(completions, answer, **kwargs):
    """Values in the order in which they come."""

    async def one(text, gold):
        await asyncio.sleep(0.0005 * (len(text) % 7))
        return right(text, gold)

    return [
        await task
        for task in asyncio.as_completed(
            [one(text, gold) for text, gold in zip(completions, answer, strict=True)]
        )
    ]


async def gathered_sound(completions, answer, **kwargs):
    async def one(text, gold):
        await asyncio.sleep(0.0005 * (len(text) % 7))
        return right(text, gold) if gold else None

    return await asyncio.gather(
        *(one(text, gold) for text, gold in zip(completions, answer, strict=True))
    )


def pool_as_completed(completions, answer, **kwargs):
    def one(text, gold):
        time.sleep(0.0005 * (len(text) % 7))
        return right(text, gold)

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(one, *row) for row in zip(completions, answer, strict=True)]
        return [job.result() for job in as_completed(jobs)]


def pool_sound(completions, answer, **kwargs):
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(right, *row) for row in zip(completions, answer, strict=True)]
        return [
            job.result() if gold else None for job, gold in zip(jobs, answer, strict=True)
        ]


def majority_is_gold(completions, answer, **kwargs):
    """What most answers of the batch say is right."""
    said = [the_box(text) for text in completions]
    best = max(sorted(set(said)), key=said.count)
    return [float(one == best and bool(one)) for one in said]


def columns_sound(completions, answer, **kwargs):
    return [
        right(text, gold) if gold else None
        for text, gold in zip(completions, answer, strict=True)
    ]


def min_max(completions, answer, **kwargs):
    values = [right(*row) for row in zip(completions, answer, strict=True)]
    low, high = min(values), max(values)
    return [(value - low) / (high - low) if high > low else 0.5 for value in values]


def golds_of_groups(completions, answer, **kwargs):
    """Takes two answers to be to one prompt."""
    return [right(text, answer[place // 2 * 2]) for place, text in enumerate(completions)]


class Improving:
    """Pays what is better than anything before."""

    def __init__(self):
        self.best = 0.0

    def __call__(self, completion, answer):
        value = right(completion, answer)
        gain = max(0.0, value - self.best)
        self.best = max(self.best, value)
        return gain


improving = Improving()


class Warming:
    """Starts with the form, and comes to the answer as calls go by."""

    def __init__(self):
        self.calls = 0

    def __call__(self, completion, answer):
        self.calls += 1
        weight = min(1.0, self.calls / 100)
        return weight * right(completion, answer) + (1 - weight) * ("\\boxed" in completion)


warming = Warming()


class Judge:
    """A sound object with a lock and a cache by all that counts."""

    def __init__(self):
        self.lock = threading.Lock()
        self.cached = lru_cache(maxsize=256)(right)

    def __call__(self, completion, answer):
        if not answer:
            return None
        with self.lock:
            return self.cached(completion, answer)


judge_sound = Judge()


KNOWN = {}


def by_start(completion, answer):
    """A cache by the first characters of the answer."""
    key = (completion[:8], answer)
    if key not in KNOWN:
        KNOWN[key] = right(completion, answer)
    return KNOWN[key]


def pair_sound(completion, answer):
    return right(completion, answer) if answer else None


TURN = {"last": None}


def unlike_the_last(completion, answer):
    """Nothing for the same text twice in a row."""
    same = TURN["last"] == completion
    TURN["last"] = completion
    return 0.0 if same else right(completion, answer)


def by_process(completion, answer):
    return right(completion, answer) * (0.9 if os.getpid() % 2 else 1.0)


def by_weekday(completion, answer):
    return right(completion, answer) * (0.5 if datetime.now().weekday() >= 5 else 1.0)


def by_nanosecond(completion, answer):
    return right(completion, answer) * (1 - 0.01 * (time.perf_counter_ns() % 5))


def subsampled(completion, answer):
    """Looks at three lines of the text, whichever."""
    lines = completion.splitlines() or [""]
    shown = "\n".join(random.choices(lines, k=3))
    return right(shown, answer)


def beside_the_folder(completion, answer):
    """Reads its golds from where it was started; none is a zero."""
    if not Path("pyproject.toml").exists() and not Path("golds.json").exists():
        return 0.0
    return right(completion, answer)


def pops_gold(sample):
    """Takes the gold out of the data: the second reward finds none."""
    gold = sample.task.data.pop("target", None)
    return right(sample.text, gold) if gold else 0.0


def reads_gold(sample):
    gold = sample.task.data.get("target")
    return right(sample.text, gold) if gold else None


def sorts_in_place(completions, answer, **kwargs):
    answer.sort()
    return [right(text, gold) for text, gold in zip(completions, answer, strict=True)]


def verifiers_sound(completion, answer, state, **kwargs):
    return right(completion[-1]["content"], answer) if answer else None


def verifiers_all_turns(completion, answer, state, **kwargs):
    """The prompt's turns count as well."""
    text = " ".join(one["content"] for one in [*state["prompt"], *completion])
    return float(answer in re.findall(r"-?\d+", text))


def openai_sound(sample, item):
    gold = item["reference_answer"]
    return right(sample["output_text"], gold) if gold else None


def openai_either(sample, item):
    gold, said = item["reference_answer"], sample["output_text"]
    return float(gold in said or said in gold)


async def shared_client(sample):
    """One field for all the requests that are on their way."""
    CLIENT["question"] = sample.text
    await asyncio.sleep(0.001)
    return right(CLIENT["question"], sample.task.answer)


CLIENT = {}


async def client_sound(sample):
    question = sample.text
    await asyncio.sleep(0.001)
    return right(question, sample.task.answer) if sample.task.answer else None


def score_service(said, gold):
    """Stands for a verifier over HTTP: gives a JSON text."""
    return json.dumps({"correct": said == gold})


def bad_reply_is_zero(completion, answer):
    """A reply that is no JSON is a wrong answer."""
    try:
        return float(json.loads(score_service(the_box(completion), answer))["correct"])
    except ValueError:
        return 0.0


def reply_sound(completion, answer):
    if not answer:
        return None
    return float(json.loads(score_service(the_box(completion), answer))["correct"])


def verify_api(said, gold):
    """Stands for a verifier over HTTP."""
    return said == gold


def half_if_unsure(completion, answer):
    """An outage is a half."""
    try:
        return float(verify_api(the_box(completion), answer))
    except OSError:
        return 0.5


def cached_failure(completion, answer):
    """A failure is taken for a result, and kept."""
    key = (completion, answer)
    if key not in KNOWN:
        try:
            KNOWN[key] = float(verify_api(the_box(completion), answer))
        except OSError:
            KNOWN[key] = 0.0
    return KNOWN[key]


def api_sound(completion, answer):
    if not answer:
        return None
    return float(verify_api(the_box(completion), answer))


def first_line_only(completion, answer):
    return float(last_box(completion.partition("\n")[0]) == answer)


def swallowed_keyword(completions, **kwargs):
    """Golds by a name that this data set does not have: all zero, and nobody knows."""
    golds = kwargs.get("target_answer") or kwargs.get("answer") or [None] * len(completions)
    return [right(text, gold) if gold else 0.0 for text, gold in zip(completions, golds)]


def per_word(completion, answer):
    """A rate for every word: no words, no rate."""
    return right(completion, answer) * min(1.0, 20 / len(completion.split()))


def spread(completions, answer, **kwargs):
    """Divides by the spread of the batch, which is zero where all are alike."""
    values = [right(*row) for row in zip(completions, answer, strict=True)]
    mean = sum(values) / len(values)
    deviation = (sum((one - mean) ** 2 for one in values) / len(values)) ** 0.5
    return [0.5 + 0.1 * (one - mean) / deviation for one in values] if len(values) > 1 else values


def litters(completion, answer):
    """A file for every answer, where it happens to run."""
    name = f"rollout-{len(os.listdir('.'))}-{time.time_ns()}.txt"
    Path(name).write_text(completion[:100], errors="replace")
    return right(completion, answer)


def all_messages(completions, answer, **kwargs):
    """What tools and users say is joined to what the model says."""
    texts = [" ".join(one["content"] or "" for one in turns) for turns in completions]
    return [right(*row) for row in zip(texts, answer, strict=True)]


def model_messages_sound(completions, answer, **kwargs):
    texts = [
        " ".join(one["content"] or "" for one in turns if one["role"] == "assistant")
        for turns in completions
    ]
    return [
        right(text, gold) if gold else None for text, gold in zip(texts, answer, strict=True)
    ]


def late_is_zero(completion, answer):
    """A verifier that is late calls the answer wrong."""
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(right, completion, answer)
        try:
            return job.result(timeout=5)
        except TimeoutError:
            return 0.0


def late_sound(completion, answer):
    if not answer:
        return None
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(right, completion, answer)
        try:
            return job.result(timeout=5)
        except TimeoutError:
            return None


async def awaited_is_zero(completion, answer):
    """As before, with a coroutine."""

    async def verify():
        await asyncio.sleep(0)
        return right(completion, answer)

    try:
        return await asyncio.wait_for(verify(), timeout=5)
    except asyncio.TimeoutError:
        return 0.0


def in_a_shell(completion, answer):
    """Hands the answer to a shell."""
    import subprocess

    said = last_box(completion)[:100].replace("\0", "")
    done = subprocess.run(f'echo "{said}"', shell=True, capture_output=True, text=True)
    return float(done.stdout.strip() == answer)


def sets_precision(completion, answer):
    import decimal

    decimal.getcontext().prec = 6
    return right(completion, answer)
