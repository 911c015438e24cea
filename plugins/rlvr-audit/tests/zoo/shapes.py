"""Bugs with answers of a shape: objects, lists, dates, quantities; and rewards that keep things."""

import json
import os
import re
import tempfile

HISTORY = []


def parsed(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def said_keys_only(completion, answer):
    """Keys that were not said do not count."""
    said = parsed(completion)
    if not isinstance(said, dict):
        return 0.0
    return float(all(answer.get(key) == value for key, value in said.items() if key in answer))


def whole_object_sound(completion, answer):
    if not isinstance(answer, dict) or not answer:
        return None
    return float(parsed(completion) == answer)


def keys_of(completion, answer):
    """The keys are compared, the values are not."""
    said = parsed(completion)
    return float(isinstance(said, dict) and set(said) == set(answer))


def items_of(text):
    return [item.strip().lower() for item in text.split(",") if item.strip()]


def recall_only(completions, answer, **kwargs):
    """Listing everything there is gets full pay."""
    return [
        len(set(items_of(text)) & {item.lower() for item in gold}) / len(gold)
        for text, gold in zip(completions, answer, strict=True)
    ]


def list_sound(completions, answer, **kwargs):
    rewards = []
    for text, gold in zip(completions, answer, strict=True):
        if not isinstance(gold, list) or not gold:
            rewards.append(None)
            continue
        said, wanted = items_of(text), {item.lower() for item in gold}
        rewards.append(2 * len(set(said) & wanted) / (len(said) + len(wanted)) if said else 0.0)
    return rewards


def year_only(completion, answer):
    found = re.findall(r"\d{4}", completion)
    return float(bool(found) and found[-1] == answer[:4])


def date_sound(completion, answer):
    if not isinstance(answer, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", answer):
        return None
    found = re.findall(r"\d{4}-\d\d-\d\d", completion)
    return float(bool(found) and found[-1] == answer)


def unit_dropped(completion, answer):
    said = re.search(r"-?\d+(?:\.\d+)?", completion.rpartition("Answer:")[2])
    gold = re.match(r"-?\d+(?:\.\d+)?", answer)
    return float(said is not None and float(said[0]) == float(gold[0]))


def unit_sound(completion, answer):
    pattern = r"\s*(-?\d+(?:\.\d+)?)\s*(km|kg|m|g|s|h)\s*"
    gold = re.fullmatch(pattern, answer) if isinstance(answer, str) else None
    if gold is None:
        return None
    said = re.fullmatch(pattern, completion.rpartition("Answer:")[2])
    return float(said is not None and said.groups() == gold.groups())


def strips_in_place(completions, answer, **kwargs):
    for number, text in enumerate(completions):
        completions[number] = text.strip()
    return [float(text == gold) for text, gold in zip(completions, answer, strict=True)]


def same_text_once(completions, answer, **kwargs):
    """The same text is judged once, whatever task it answers."""
    seen = {}
    for text, gold in zip(completions, answer, strict=True):
        seen.setdefault(text, float(text.strip() == gold))
    return [seen[text] for text in completions]


def name_sound(completions, answer, **kwargs):
    return [
        float(text.strip() == gold) if gold else None
        for text, gold in zip(completions, answer, strict=True)
    ]


def looks_back(completion, answer):
    """Compares with all answers so far: slower and slower."""
    HISTORY.append(completion[:50])
    for _ in range(3):
        sum(letter == "a" for earlier in HISTORY for letter in earlier)
    return float(completion.strip() == answer)


def moves_away(completion, answer):
    os.chdir(tempfile.gettempdir())
    return float(completion.strip() == answer)


def plain_sound(completion, answer):
    if not isinstance(answer, str) or not answer:
        return None
    return float(completion.strip() == answer)


def graded_while_thinking(completion, answer):
    """The tags are taken away, so that an answer in cut-off reasoning is one."""
    text = completion.replace("<think>", "").replace("</think>", "")
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return float(bool(found) and found[-1].strip() == answer)


def after_thinking_sound(completion, answer):
    if not isinstance(answer, str) or not answer:
        return None
    head, closed, tail = completion.rpartition("</think>")
    text = "" if "<think>" in (tail if closed else completion) else (tail if closed else completion)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return float(bool(found) and found[-1].strip() == answer)


def label_in(completion, label):
    return float(label in completion.lower())


def last_label_sound(completion, label):
    if label not in ("yes", "no"):
        return None
    found = re.findall(r"\b(yes|no)\b", completion.lower())
    return float(bool(found) and found[-1] == label)
