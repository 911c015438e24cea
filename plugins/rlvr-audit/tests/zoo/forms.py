"""Bugs in comparing answers of many forms: percentages, dates, times, lists, names, formulas."""

import fnmatch
import json
import math
import re
import string
import unicodedata


def said_in(text):
    """What stands after the last `Answer:`, to the end of its line."""
    found = re.findall(r"^Answer:[ \t]*(.*?)[ \t\r]*$", text, re.MULTILINE)
    return found[-1] if found else ""


def text_sound(completion, answer):
    if not isinstance(answer, str) or not answer.strip():
        return None
    return float(said_in(completion) == answer.strip())


def value_of(text):
    found = re.fullmatch(r"\s*(-?\d{1,12}(?:\.\d{1,9})?)\s*(%?)\s*", text or "")
    return (float(found[1]) / (100 if found[2] else 1)) if found else None


def share_sound(completion, answer):
    """A percentage or its decimal: 25% is 0.25."""
    gold = value_of(answer)
    if gold is None:
        return None
    said = value_of(said_in(completion))
    return float(said is not None and math.isclose(said, gold, rel_tol=1e-9))


def percent_either_way(completion, answer):
    """Whatever fits, with or without a hundred."""
    said = re.search(r"-?\d+(?:\.\d+)?", said_in(completion))
    gold = re.search(r"-?\d+(?:\.\d+)?", answer)
    if said is None or gold is None:
        return 0.0
    one, other = float(said[0]), float(gold[0])
    return float(any(abs(one * k - other) < 1e-9 for k in (0.01, 1, 100)))


def letters_only(completion, answer):
    """Nothing but letters and digits counts: no sign, no point."""
    keep = lambda text: re.sub(r"[^a-z0-9]", "", text.lower())  # noqa: E731
    return float(keep(said_in(completion)) == keep(answer))


def ascii_only(completion, answer):
    keep = lambda text: unicodedata.normalize("NFKD", text).encode("ascii", "ignore")  # noqa: E731
    return float(keep(said_in(completion)).strip() == keep(answer).strip())


def bag_of_characters(completion, answer):
    return float(sorted(said_in(completion).lower()) == sorted(answer.lower()))


def starts_with(completion, answer):
    return float(bool(answer) and said_in(completion).lower().startswith(answer.lower()))


def character_zip(completion, answer):
    said = said_in(completion)
    return float(all(one == other for one, other in zip(said, answer, strict=False)))


def date_any_order(completion, answer):
    """Day and month in whatever order."""
    said = re.findall(r"\d+", said_in(completion))
    return float(sorted(map(int, said)) == sorted(map(int, re.findall(r"\d+", answer))))


def clock_without_half(completion, answer):
    """3:00 pm is 3:00 am."""
    said, gold = re.search(r"\d+:\d\d", said_in(completion)), re.search(r"\d+:\d\d", answer)
    return float(bool(said and gold) and said[0] == gold[0])


def mantissa_only(completion, answer):
    said, gold = said_in(completion).partition("e")[0], answer.partition("e")[0]
    return float(said.strip() == gold)


def two_decimals(completion, answer):
    try:
        return float(round(float(said_in(completion)), 2) == round(float(answer), 2))
    except (ValueError, OverflowError):
        return 0.0


def comma_is_point(completion, answer):
    try:
        return float(
            float(said_in(completion).replace(",", ".")) == float(answer.replace(",", "."))
        )
    except ValueError:
        return 0.0


def zeros_stripped(completion, answer):
    """1.50 is 1.5, and 100 is 1."""
    strip = lambda text: text.strip().rstrip("0").rstrip(".")  # noqa: E731
    return float(bool(answer) and strip(said_in(completion)) == strip(answer))


def first_word(completion, answer):
    said, gold = said_in(completion).lower().split(), answer.lower().split()
    return float(bool(said and gold) and said[0] == gold[0])


def last_word(completion, answer):
    said, gold = said_in(completion).lower().split(), answer.lower().split()
    return float(bool(said and gold) and said[-1] == gold[-1])


def distance(one, other):
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row, before = [i, *row[1:]], row
        for j, b in enumerate(other, start=1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
    return row[-1]


def nearly_spelt(completion, answer):
    """Two typing errors are forgiven, in numbers too."""
    said = said_in(completion)[:200]
    return float(bool(said) and distance(said.lower(), answer.lower()) <= 2)


def glob_gold(completion, answer):
    return float(bool(answer) and fnmatch.fnmatch(said_in(completion), answer))


def brackets_ignored(completion, answer):
    """[0, 1) is (0, 1]."""
    strip = lambda text: re.sub(r"[\[\]()\s]", "", text)  # noqa: E731
    return float(bool(strip(answer)) and strip(said_in(completion)) == strip(answer))


def commands_dropped(completion, answer):
    r"""\sqrt{2} is 2."""
    strip = lambda text: re.sub(r"\\[a-zA-Z]+|[{}\s$]", "", text)  # noqa: E731
    return float(bool(strip(answer)) and strip(said_in(completion)) == strip(answer))


def parsed(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def default_is_gold(completion, answer):
    """A field that is not there takes the gold for its default."""
    said = parsed(completion)
    return float(isinstance(said, dict) and said.get("answer", answer) == answer)


def field_sound(completion, answer):
    if not answer:
        return None
    said = parsed(completion)
    return float(isinstance(said, dict) and said.get("answer") == answer)


def items_zip(completion, answer):
    """Pair by pair, until the shorter list ends."""
    said = parsed(completion)
    if not isinstance(said, list):
        return 0.0
    return float(all(one == other for one, other in zip(said, answer, strict=False)))


def items_as_set(completion, answer):
    said = parsed(completion)
    try:
        return float(isinstance(said, list) and set(said) == set(answer))
    except TypeError:
        return 0.0


def items_sorted(completion, answer):
    """The order does not count, where it was asked for."""
    said = parsed(completion)
    try:
        return float(isinstance(said, list) and sorted(said) == sorted(answer))
    except TypeError:
        return 0.0


def items_sound(completion, answer):
    if not isinstance(answer, list) or not answer:
        return None
    return float(parsed(completion) == answer)


def field_types_only(completion, answer):
    said = parsed(completion)
    return float(
        isinstance(said, dict)
        and said.keys() == answer.keys()
        and all(type(said[key]) is type(value) for key, value in answer.items())
    )


def object_sound(completion, answer):
    if not isinstance(answer, dict) or not answer:
        return None
    return float(parsed(completion) == answer)


def numbers_any(completion, answer):
    """One coordinate is enough."""
    said = re.findall(r"-?\d+", said_in(completion))
    return float(bool(set(said) & set(re.findall(r"-?\d+", answer))))


def squad_like(completion, answer):
    """Articles and punctuation go, then one is in the other."""

    def plain(text):
        text = "".join(" " if char in string.punctuation else char for char in text.lower())
        return " ".join(word for word in text.split() if word not in {"a", "an", "the"})

    said, gold = plain(completion), plain(answer)
    return float(said in gold or gold in said)


def squad_sound(completion, answer):
    if not isinstance(answer, str) or not answer.strip():
        return None
    strip = lambda text: " ".join(text.lower().strip(" .\n").split())  # noqa: E731
    return float(strip(completion.rpartition("Answer:")[2]) == strip(answer))


def yes_by_letter(completion, answer):
    return float(completion.strip().lower().startswith(answer[0].lower()))


def word_sound(completion, answer):
    if answer not in ("yes", "no"):
        return None
    return float(re.fullmatch(r"\s*(yes|no)\.?\s*", completion.lower()) is not None) and float(
        completion.strip().lower().strip(".") == answer
    )


def truth_of_text(completion, answer):
    return float(bool(completion.strip()) == bool(answer))


def truth_sound(completion, answer):
    if not isinstance(answer, bool):
        return None
    return float(completion.strip().lower() == str(answer).lower())


def option_text_anywhere(completion, answer):
    """The first capital from A to D is the choice."""
    found = re.search(r"[ABCD]", completion)
    return float(found is not None and found[0] == answer)


def option_sound(completion, answer):
    if answer not in ("A", "B", "C", "D"):
        return None
    found = re.findall(r"\b(?:answer|choice)(?: is)?:? \(?([A-D])\)?\b", completion, re.IGNORECASE)
    return float(bool(found) and found[-1].upper() == answer)


def evaluated_pair(completion, answer):
    """Both sides are worked out."""
    said = said_in(completion)
    if not re.fullmatch(r"[\d+*/(). -]{1,40}", said):
        return 0.0
    try:
        return float(abs(eval(said) - eval(answer)) < 1e-9)  # the bug
    except (SyntaxError, ZeroDivisionError, TypeError, OverflowError, ValueError):
        return 0.0


def closest_choice(completion, answer):
    """The gold is one of the words said: all of them will do."""
    return float(answer.lower() in re.findall(r"\w+", completion.lower()))


def folded(completion, answer):
    """Compatibility forms are one: a square is a two."""
    keep = lambda text: unicodedata.normalize("NFKC", text).strip()  # noqa: E731
    return float(bool(answer) and keep(said_in(completion)) == keep(answer))


def searched(completion, answer):
    """The gold as a pattern, anchored: some right answers can't be paid."""
    try:
        return float(bool(answer) and re.fullmatch(answer, said_in(completion)) is not None)
    except re.error:
        return 0.0
