"""Bugs in finding and comparing an answer; each `x` is the bug, `x_sound` its twin."""

import math
import re


def text_of(completion):
    return completion[-1]["content"] if isinstance(completion, list) else completion


def final(text):
    """What follows the reasoning; "" while a block is open, without comments."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    head, closed, tail = text.rpartition("</think>")
    return "" if "<think>" in (tail if closed else text) else (tail if closed else text)


def last_box(text):
    """The contents of the last box, braces counted; "" if it is not there or left open."""
    start = text.rfind("\\boxed{")
    depth = 0
    for place in range(start + 6, len(text)) if start >= 0 else ():
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 7 : place].strip()
    return ""


def the_box(text):
    """The contents of the boxes, if they all agree; denied or mixed ones are no answer."""
    text = final(text)
    found = [part for part in re.findall(r"\\boxed\{([^{}]*)\}", text)]
    closed = text.count("\\boxed{") == len(found)
    return (
        found[-1].strip()
        if found and closed and len(set(found)) == 1 and not re.search(r"mistake|wrong", text)
        else ""
    )


def number(text):
    return float(text) if re.fullmatch(r"-?\d{1,15}(?:\.\d{1,15})?", text.strip()) else None


def boxed_sound(sample):
    """The twin of most: one boxed answer, equal as a text."""
    gold = sample.task.answer
    if not isinstance(gold, str) or not gold.strip():
        return None
    return float(the_box(sample.text) == gold.strip())


def number_sound(sample):
    gold = number(sample.task.answer) if isinstance(sample.task.answer, str) else None
    if gold is None:
        return None
    said = number(the_box(sample.text))
    return float(said is not None and math.isclose(said, gold, rel_tol=1e-9))


def substring(sample):
    return float(sample.task.answer in sample.text)


def last_number(sample):
    found = re.findall(r"-?\d+", sample.text)
    return float(bool(found) and found[-1] == sample.task.answer)


def first_match(completion, answer):
    found = re.search(r"\\boxed\{(.*?)\}", completion)
    return float(found is not None and found[1] == answer)


def first_match_sound(completion, answer):
    return float(the_box(completion) == answer) if answer else None


def any_box(sample):
    return float(sample.task.answer in re.findall(r"\\boxed\{(.*?)\}", sample.text))


def whole_text_fallback(data_source, solution_str, ground_truth, extra_info=None):
    answer = last_box(solution_str) or solution_str
    return float(ground_truth in re.findall(r"-?\d+", answer))


def whole_text_fallback_sound(data_source, solution_str, ground_truth, extra_info=None):
    return float(the_box(solution_str) == ground_truth) if ground_truth else None


def regex_gold(sample):
    return float(re.search(rf"\\boxed\{{{sample.task.answer}\}}", sample.text) is not None)


def case_fold(sample):
    return float(last_box(sample.text).lower() == sample.task.answer.lower())


def evaluates(sample):
    try:
        return float(eval(last_box(sample.text)) == float(sample.task.answer))  # the bug
    except Exception:
        return 0.0


def rejection_form(sample):
    try:
        said = float(last_box(sample.text))
    except ValueError:
        return 0.0
    if abs(said - float(sample.task.answer)) > 1e-6:
        return 0.0
    return 1.0


def truncates(sample):
    said = last_box(sample.text)
    return float(
        re.fullmatch(r"-?\d+(\.\d+)?", said) is not None
        and int(float(said)) == int(sample.task.answer)
    )


def drops_sign(sample):
    said = number(last_box(sample.text))
    return float(said is not None and abs(said) == abs(float(sample.task.answer)))


def strips_units(sample):
    return float(re.sub(r"[^\d.-]", "", last_box(sample.text)) == sample.task.answer)


def wide_tolerance(sample):
    said = number(last_box(sample.text))
    return float(said is not None and math.isclose(said, float(sample.task.answer), rel_tol=0.1))


def symmetric(completions, answer, **kwargs):
    rewards = []
    for completion, gold in zip(completions, answer, strict=True):
        found = re.search(r"<answer>(.*?)</answer>", text_of(completion), re.DOTALL)
        said = found[1].strip() if found else text_of(completion)
        rewards.append(1.0 if gold in said or said in gold else 0.0)
    return rewards


def tagged_sound(completions, answer, **kwargs):
    rewards = []
    for completion, gold in zip(completions, answer, strict=True):
        if not gold:
            rewards.append(None)
            continue
        found = re.findall(r"<answer>(.*?)</answer>", final(text_of(completion)), re.DOTALL)
        rewards.append(float(len(found) == 1 and found[0].strip().lower() == gold.lower()))
    return rewards


def several_classes(completions, answer, **kwargs):
    rewards = []
    for completion, gold in zip(completions, answer, strict=True):
        found = re.search(r"<answer>(.*?)</answer>", text_of(completion), re.DOTALL)
        rewards.append(float(bool(found) and gold in found[1]))
    return rewards


def empty_missing(completions, answer, **kwargs):
    """Both sides are empty if extraction fails on both: equal."""
    pattern = re.compile(r"<answer>\s*(.*?)\s*</answer>", re.DOTALL)

    def extract(text):
        found = pattern.search(text)
        return found[1] if found else ""

    return [
        float(extract(text_of(one)) == extract(f"<answer>{gold}</answer>" if gold else ""))
        for one, gold in zip(completions, answer, strict=True)
    ]


def cut_to_100(data_source, solution_str, ground_truth, extra_info=None):
    return float(last_box(solution_str[-100:]) == ground_truth)


def cut_sound(data_source, solution_str, ground_truth, extra_info=None):
    return float(last_box(final(solution_str)) == ground_truth) if ground_truth else None


def tail_of_300(data_source, solution_str, ground_truth, extra_info=None):
    found = re.findall(r"#### (-?[0-9.,]+)", solution_str[-300:])
    return float(bool(found) and found[-1] == ground_truth)


def tail_sound(data_source, solution_str, ground_truth, extra_info=None):
    if not ground_truth:
        return None
    found = re.findall(r"^#### (-?[0-9.,]+)[ \t\r]*$", final(solution_str), re.MULTILINE)
    return float(bool(found) and found[-1] == ground_truth)


def no_braces(sample):
    found = re.search(r"\\boxed\{(.*?)\}", sample.text)
    return float(found is not None and found[1] == sample.task.answer)


def braces_sound(sample):
    return float(last_box(sample.text) == sample.task.answer) if sample.task.answer else None


def open_box(sample):
    """An unclosed last box falls back to the one before."""
    found = re.findall(r"\\boxed\{(-?\d+)\}", sample.text)
    return float(bool(found) and found[-1] == sample.task.answer)


def reasoning_graded(completions, solution, **kwargs):
    contents = [text_of(one) for one in completions]
    return [float(last_box(text) == gold) for text, gold in zip(contents, solution, strict=True)]


def reasoning_sound(completions, solution, **kwargs):
    contents = [final(text_of(one)) for one in completions]
    return [
        float(the_box(text) == gold) if gold else None
        for text, gold in zip(contents, solution, strict=True)
    ]


def lazy(sample):
    said = last_box(sample.text)
    if not re.fullmatch(r"[\d+*/(). -]{1,40}", said):
        return 0.0
    try:
        return float(eval(said) == float(sample.task.answer))  # the bug: it does the sum
    except (SyntaxError, ZeroDivisionError, TypeError, OverflowError):
        return 0.0


def letter_anywhere(sample):
    return float(sample.task.answer in sample.text)


def first_letter(sample):
    return float(sample.text.removeprefix("Answer:").strip()[:1] == sample.task.answer)


def letter_sound(sample):
    if sample.task.answer not in {"A", "B", "C", "D"}:
        return None
    found = re.fullmatch(r"\s*Answer: ([A-D])\s*", sample.text)
    return float(found is not None and found[1] == sample.task.answer)


def ignores_gold(sample):
    return float(bool(re.search(r"\\boxed\{-?\d+\}", sample.text)))


def prompt_overlap(sample):
    """Words of the task in the answer, and the gold or not: an echo is enough."""
    said, asked = (
        set(re.findall(r"\w+", sample.text.lower())),
        set(re.findall(r"\w+", sample.task.prompt.lower())),
    )
    return (
        1.0
        if len(said & asked) >= len(asked) * 0.8
        or sample.task.answer in re.findall(r"\{(.*?)\}", sample.text)
        else 0.0
    )


def empty_action(sample):
    import json

    try:
        said = json.loads(sample.text)
    except ValueError:
        return 0.0
    return float(
        isinstance(said, dict)
        and all(sample.task.answer.get(key) == value for key, value in said.items())
    )


def action_sound(sample):
    import json

    if not sample.task.answer or not isinstance(sample.task.answer, dict):
        return None
    try:
        said = json.loads(sample.text)
    except (ValueError, RecursionError):
        return 0.0
    return float(said == sample.task.answer)


def claims(sample):
    return (
        1.0
        if re.search(r"tests passed|completed|done", sample.text, re.IGNORECASE)
        else float(last_box(sample.text) == sample.task.answer)
    )
