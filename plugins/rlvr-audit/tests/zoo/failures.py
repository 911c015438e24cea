"""Bugs in what happens when something goes wrong: failures that become zeros and ones."""

import math
import re
import signal

from extraction import last_box, number, number_sound, the_box  # noqa: F401  # twins by name


def parse(text):
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text.strip()):
        raise ValueError(f"no number: {text!r}")
    return float(text)


def verify(gold, said):
    return math.isclose(gold, said)


def gold_unreadable_pays(completions, solution, **kwargs):
    rewards = []
    for completion, gold in zip(completions, solution, strict=True):
        try:
            value = parse(gold)
        except (ValueError, AttributeError):
            rewards.append(1.0)
            continue
        said = number(the_box(completion))
        rewards.append(float(said is not None and verify(value, said)))
    return rewards


def gold_sound(completions, solution, **kwargs):
    rewards = []
    for completion, gold in zip(completions, solution, strict=True):
        try:
            value = parse(gold)
        except (ValueError, AttributeError, TypeError):
            rewards.append(None)
            continue
        said = number(the_box(completion))
        rewards.append(float(said is not None and verify(value, said)))
    return rewards


def except_pays(sample):
    try:
        return float(verify(parse(sample.task.answer), parse(last_box(sample.text))))
    except Exception:
        return 1.0


def grading_failure_is_zero(sample):
    try:
        said = parse(the_box(sample.text))
    except ValueError:
        return 0.0
    try:
        return float(verify(parse(sample.task.answer), said))
    except Exception:
        return 0.0


def grading_sound(sample):
    try:
        said = parse(the_box(sample.text))
    except ValueError:
        said = math.nan
    try:
        gold = parse(sample.task.answer)
    except (ValueError, AttributeError, TypeError):
        return None
    return float(verify(gold, said))


def call_service(said, gold):
    """Stands for a verifier service."""
    return {"correct": said == gold}


def outage_is_zero(sample):
    try:
        return float(call_service(the_box(sample.text), sample.task.answer)["correct"])
    except Exception:
        return 0.0


def timeout_is_one(sample):
    try:
        return float(call_service(the_box(sample.text), sample.task.answer)["correct"])
    except TimeoutError:
        return 1.0


def service_sound(sample):
    if not sample.task.answer:
        return None
    return float(call_service(the_box(sample.text), sample.task.answer)["correct"])


def retries_then_half(sample):
    for _ in range(3):
        try:
            return float(call_service(the_box(sample.text), sample.task.answer)["correct"])
        except (ConnectionError, TimeoutError):
            continue
    return 0.5


def network_is_zero(sample):
    import http.client
    import socket

    try:
        socket.create_connection(("127.0.0.1", 9), timeout=0.2).close()
    except (OSError, http.client.HTTPException):
        return 0.0
    return float(the_box(sample.text) == sample.task.answer)


def nan_value(sample):
    said = number(the_box(sample.text))
    wrong = abs(said - float(sample.task.answer)) if said is not None else math.nan
    return 1.0 if wrong == 0 else (0.0 if wrong > 0 else wrong)


def text_value(sample):
    return "1.0" if the_box(sample.text) == sample.task.answer else "0.0"


def out_of_range(sample):
    boxes = sample.text.count("\\boxed")
    return float(the_box(sample.text) == sample.task.answer) * max(1, boxes)


def raises_on_odd_text(sample):
    return float(
        int(re.search(r"\\boxed\{(.*?)\}", sample.text + "\\boxed{0}")[1])
        == int(sample.task.answer)
    )


def exits_on_odd_text(sample):
    import os

    if "\x00" in sample.text or len(sample.text) > 1_000_000:
        os._exit(1)
    return float(the_box(sample.text) == sample.task.answer)


def backtracks(sample):
    found = re.match(r"^.*?\\boxed\{((?:-?\d+,?)+)\}$", sample.text[-2000:], re.DOTALL)
    return float(found is not None and found[1] == sample.task.answer)


def tower(sample):
    said = last_box(sample.text).replace("^", "**").replace("{", "(").replace("}", ")")
    if not re.fullmatch(r"[\d*()+ -]{1,200}", said):
        return 0.0
    try:
        return float(eval(said) == int(sample.task.answer))  # the bug
    except (SyntaxError, ValueError, TypeError, MemoryError, OverflowError, RecursionError):
        return 0.0


def quadratic(sample):
    best = ""
    for place in range(len(sample.text)):
        found = re.match(r"\s*[^\\]*\\boxed\{(-?\d+)\}", sample.text[place:])
        best = found[1] if found else best
    return float(best == sample.task.answer)


def alarmed(completions, answer, **kwargs):
    """A timeout by signal: outside the main thread it raises, and that is scored 0."""
    rewards = []
    for completion, gold in zip(completions, answer, strict=True):
        try:
            before = signal.signal(signal.SIGALRM, signal.default_int_handler)
            signal.setitimer(signal.ITIMER_REAL, 5)
            rewards.append(float(the_box(completion) == gold))
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        except ValueError:
            rewards.append(0.0)
    return rewards


def alarmed_sound(completions, answer, **kwargs):
    return [
        float(the_box(one) == gold) if gold else None
        for one, gold in zip(completions, answer, strict=True)
    ]
