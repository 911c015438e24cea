"""The text rewards, each against a table of (completion, answer, expected, why)."""

import json
import math
import re
import string
import time
from collections import Counter
from random import Random

import pytest

from rlvr_ops_core import OptionError, Sample, Score, Task
from rlvr_ops_core.builtin.extract import MAX_CHARS
from rlvr_ops_core.builtin.text import rlvr_rewards
from rlvr_ops_core.options import bind, resolve
from rlvr_ops_core.reward_spec import spec_of

REWARDS = rlvr_rewards()
HUGE = 2_000_000


def judge(name, completion, answer=None, *, token_ids=None, **options) -> Score:
    reward = bind(REWARDS[name], resolve(REWARDS[name], options))
    score = reward(Sample(Task("t", "q", answer), completion, token_ids=token_ids))
    json.dumps(score.info, allow_nan=False)
    assert {"reason", "extracted", "gold"} <= set(score.info)
    if score.value is not None:
        low, high = spec_of(REWARDS[name]).range
        assert isinstance(score.value, float)
        assert low <= score.value <= high
        assert set(score.components) <= set(spec_of(REWARDS[name]).components)
    return score


EXACT = [
    ("Paris", "Paris", {}, 1, "the same"),
    (" Paris \n", "Paris", {}, 1, "space around it never counts"),
    ("paris", "Paris", {}, 0, "case counts by default"),
    ("paris", "Paris", {"ignore_case": True}, 1, "unless told otherwise"),
    ("STRASSE", "Straße", {"ignore_case": True}, 1, "case is folded as Unicode does"),
    ("New   York", "New York", {}, 1, "spaces are folded"),
    ("New   York", "New York", {"spaces": "keep"}, 0, "or kept"),
    ("New York", "NewYork", {"spaces": "drop"}, 1, "or dropped"),
    ("Paris.", "Paris", {}, 0, "punctuation counts by default"),
    ("“Paris”.", "Paris", {"ignore_punctuation": True}, 1, "curly quotes are punctuation"),
    ("The U.S.", "US", {"ignore_punctuation": True, "ignore_articles": True}, 1, "both left out"),
    ("cafe\u0301", "caf\u00e9", {}, 1, "composed and decomposed are one text"),
    ("Pаris", "Paris", {}, 0, "a Cyrillic а is another letter"),
    ("Lyon", ["Paris", "Lyon"], {}, 1, "one of several accepted answers"),
    ("4", 4, {}, 1, "a whole number is its digits"),
    ("Paris, Lyon", ["Paris", "Lyon"], {}, 0, "naming all of them is none of them"),
    ("the answer is not 4", "4", {}, 0, "more than the answer"),
    ("<think>Lyon?</think> Paris", "Paris", {}, 1, "reasoning is not the answer"),
    ("<think>Paris", "Paris", {}, 0, "the reasoning is still open"),
    ("Paris</think>", "Paris", {}, 0, "nothing after the reasoning"),
    ("", "Paris", {}, 0, "empty"),
    ("", "", {}, None, "an empty gold would pay for silence"),
    ("Paris", None, {}, None, "no gold"),
    ("Paris", [], {}, None, "no accepted answer"),
    ("True", True, {}, None, "a boolean is no text"),
    ("4.0", 4.0, {}, None, "a float is for text/number"),
    ("{}", {}, {}, None, "an object is no text"),
    ("!?", "!?", {"ignore_punctuation": True}, None, "nothing is left of the gold"),
    ("so <answer> Paris </answer>", "Paris", {"tag": "answer"}, 1, "in the tag"),
    ("<answer>A</answer><answer>Paris</answer>", "Paris", {"tag": "answer"}, 1, "the last one"),
    ("<answer>Paris</answer><answer>A", "Paris", {"tag": "answer"}, 0, "another one left open"),
    ("Paris", "Paris", {"tag": "answer"}, 0, "no tag at all"),
    ("</answer>Paris<answer>", "Paris", {"tag": "answer"}, 0, "the wrong way round"),
    ("Paris" * (HUGE // 5), "Paris", {}, 0, "2 MB"),
    (" " * HUGE + "Paris", "Paris", {}, 1, "2 MB of space around it"),
    ("\ud800", "\ud800", {}, 1, "a lone surrogate is no crash"),
    ([{"role": "assistant", "content": "Paris"}], "Paris", {}, 1, "messages"),
    ([{"role": "user", "content": "Paris"}], "Paris", {}, 0, "the model said nothing"),
]


@pytest.mark.parametrize(
    ("completion", "answer", "options", "expected", "why"), EXACT, ids=[row[-1] for row in EXACT]
)
def test_exact(completion, answer, options, expected, why):
    assert judge("exact", completion, answer, **options).value == expected, why


F1 = [
    ("Paris", "Paris", 1.0, 1.0, "the same"),
    ("The paris!", "Paris", 1.0, 1.0, "articles, case and punctuation don't count"),
    ("in Paris", "Paris", 2 / 3, 0.0, "precision 1/2, recall 1"),
    ("Paris", "Paris France", 2 / 3, 0.0, "precision 1, recall 1/2"),
    ("Lyon", "Paris", 0.0, 0.0, "nothing in common"),
    ("Lyon France", ["Paris", "Lyon"], 2 / 3, 0.0, "the best accepted answer counts"),
    ("Paris Paris Paris", "Paris", 0.5, 0.0, "repeating costs precision"),
    ("paris lyon nice lille", ["Paris", "Lyon"], 0.4, 0.0, "label soup costs precision"),
    ("the", "Paris", 0.0, 0.0, "nothing is left of the answer"),
    ("", "Paris", 0.0, 0.0, "empty"),
    ("the", "The", None, None, "nothing is left of the gold"),
    ("x", ["The", "x"], 1.0, 1.0, "the usable gold still counts"),
    ("x", None, None, None, "no gold"),
    ("<think>Paris", "Paris", 0.0, 0.0, "the reasoning is still open"),
    ("Paris " * (HUGE // 6), "Paris", 0.0, 0.0, "2 MB"),
    ("«Москва»", "Москва", 1.0, 1.0, "other scripts' punctuation goes too"),
]


@pytest.mark.parametrize(
    ("completion", "answer", "expected", "exact", "why"), F1, ids=[row[-1] for row in F1]
)
def test_f1(completion, answer, expected, exact, why):
    score = judge("f1", completion, answer)
    assert score.value == (expected if expected is None else pytest.approx(expected)), why
    assert score.components.get("exact") == exact, why


def squad_f1(prediction: str, truth: str) -> float:
    """The official evaluate-v1.1.py, written out as it is."""

    def normalise(text):
        text = "".join(char for char in text.lower() if char not in set(string.punctuation))
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())

    said, gold = normalise(prediction).split(), normalise(truth).split()
    same = sum((Counter(said) & Counter(gold)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(said), same / len(gold)
    return 2 * precision * recall / (precision + recall)


def test_f1_is_the_official_script_on_ascii_text():
    random = Random(0)
    words = ["the", "A", "an", "cat", "Cat.", "can't", "x-ray", "$5", "the,", "at", "hat!", "--"]
    for _ in range(2000):
        said = " ".join(random.choices(words, k=random.randint(0, 6)))
        golds = [" ".join(random.choices(words, k=random.randint(1, 4))) for _ in range(2)]
        score = judge("f1", said, golds)
        if score.value is not None:
            assert score.value == pytest.approx(max(squad_f1(said, gold) for gold in golds))


MOOD = {"labels": ["negative", "positive"], "aliases": {"positive": ["good"], "negative": ["bad"]}}
NLI = {"labels": ["entailment", "not_entailment"], "aliases": {"not_entailment": ["not entailed"]}}
CHOICE = [
    ("Positive.", "positive", MOOD, 1, "the label"),
    ("Sentiment: **positive**", "positive", MOOD, 1, "in a sentence"),
    ("good", "positive", MOOD, 1, "an alias"),
    ("good", 1, MOOD, 1, "the label's number in the data set"),
    ("good", 0, MOOD, 0, "the other number"),
    ("negative", "positive", MOOD, 0, "the other label"),
    ("positive or negative", "positive", MOOD, 0, "label soup"),
    ("positive positive positive", "positive", MOOD, 1, "one label, three times"),
    ("negative? no: positive", "positive", MOOD, 0, "two labels, with read: only"),
    ("negative? no: positive", "positive", {**MOOD, "read": "last"}, 1, "the last one"),
    ("positive, not negative", "positive", {**MOOD, "read": "first"}, 1, "the first one"),
    ("not positive", "positive", MOOD, 0, "denied"),
    ("positive is wrong", "positive", MOOD, 0, "denied by what follows"),
    ("It is positive.", "positive", MOOD, 1, "nothing denied"),
    ("No\n\nyes", "no", {}, 0, "two labels; no is one of them, and denies nothing"),
    ("No\n\nyes", "yes", {"read": "last"}, 1, "the last one"),
    ("It isn't a positive review", "positive", MOOD, 0, "denied, with an article between"),
    ("not positive but negative", "negative", MOOD, 1, "denied, then the other"),
    ("positively", "positive", MOOD, 0, "another word"),
    ("nonpositive", "positive", MOOD, 0, "part of a word"),
    ("neutral", "positive", MOOD, 0, "no label of ours"),
    ("not_entailment", "not_entailment", NLI, 1, "the longest label counts"),
    ("Not   entailed", "not_entailment", NLI, 1, "a label that begins with a denial"),
    ("A", "A", {"labels": ["A", "B"]}, 1, "a letter"),
    ("a dog, so B", "B", {"labels": ["A", "B"]}, 0, "an article is a label here"),
    ("a dog, so B", "B", {"labels": ["A", "B"], "ignore_case": False}, 1, "unless case counts"),
    ("C++", "C++", {"labels": ["C", "C++"]}, 1, "symbols in a label"),
    ("1", 1, {"labels": ["1", "0"]}, 1, "a number that is itself a label is that label"),
    ("yes", "yes", {}, 1, "yes and no by default"),
    ("<think>negative</think> positive", "positive", MOOD, 1, "reasoning is not the answer"),
    ("<think>positive", "positive", MOOD, 0, "the reasoning is still open"),
    ("<answer>bad</answer>", "negative", {**MOOD, "tag": "answer"}, 1, "in the tag"),
    ("", "positive", MOOD, 0, "empty"),
    ("ＰＯＳＩＴＩＶＥ", "positive", MOOD, 0, "full-width letters are other letters"),
    ("positive " * (HUGE // 9), "positive", MOOD, 0, "2 MB"),
    ("positive", "happy", MOOD, None, "the gold is no label"),
    ("positive", 2, MOOD, None, "there is no third label"),
    ("positive", -1, MOOD, None, "nor one before the first"),
    ("positive", True, MOOD, None, "a boolean is no label"),
    ("positive", ["positive"], MOOD, None, "nor is a list"),
]


@pytest.mark.parametrize(
    ("completion", "answer", "options", "expected", "why"), CHOICE, ids=[row[-1] for row in CHOICE]
)
def test_choice(completion, answer, options, expected, why):
    assert judge("choice", completion, answer, **options).value == expected, why


NUMBER = [
    ("4", 4, {}, 1, "the number"),
    ("It is 5.", 4, {}, 1 / 2, "off by the scale"),
    ("7", 4, {}, 1 / 4, "off by three scales"),
    ("7", 4, {"scale": 3}, 1 / 2, "a wider scale"),
    ("110", 100, {"relative": True, "scale": 0.1}, 1 / 2, "relative to the gold"),
    ("1", 0, {"relative": True}, 1 / 2, "a gold of 0 makes the error absolute"),
    ("4.1", 4, {"tolerance": 0.25}, 1, "within the tolerance"),
    ("1,234.5", "1234.5", {}, 1, "thousands commas"),
    ("12,345,678", 12345678, {}, 1, "several of them"),
    ("1,23,4567", 4567, {}, 1, "an odd grouping is several numbers"),
    ("-3", -3, {}, 1, "a sign"),
    ("−3", -3, {}, 1, "a typographic minus"),
    ("5-3", 3, {}, 1, "a difference is no sign"),
    ("-$2.50", -2.5, {}, 1, "currency"),
    (".5", 0.5, {}, 1, "no digit before the point"),
    ("1.5e3", 1500, {}, 1, "an exponent"),
    ("about 12%", 12, {}, 1, "a percent sign is passed over"),
    ("5km", 5, {}, 1, "so is a unit"),
    ("so...4", 4, {}, 1, "dots before it"),
    ("version 1.2.3", 1.2, {}, 1, "what follows a second point is not read"),
    ("٤", 4, {}, 1, "Arabic digits"),
    ("3 + 4 = 7", 7, {}, 1, "the last one by default"),
    ("3 + 4 = 7", 3, {"read": "first"}, 1, "the first one"),
    ("3 + 4 = 7", 7, {"read": "only"}, 0, "several different ones"),
    ("7, that is 7.0", 7, {"read": "only"}, 1, "the same one twice"),
    ("the answer is not 4", 4, {}, 0, "denied"),
    ("4 is wrong", 4, {}, 0, "denied by what follows"),
    ("4 is the answer", 4, {}, 1, "nothing denied"),
    ("3 or 4", 4, {}, 0, "one of two"),
    ("4, or 3", 3, {"read": "first"}, 0, "one of two"),
    ("more than > 4", 4, {}, 0, "a bound"),
    (r"\pm 4", 4, {}, 0, "a bound"),
    ("3 = 4", 4, {}, 0, "a false equation"),
    ("1 + 3 = 4", 4, {}, 1, "a sum worked out"),
    ("x = 4", 4, {}, 1, "a name's value"),
    ("2 apples or so: 4", 4, {}, 1, "an or between words"),
    ("not 4 but 5", 5, {}, 1, "denied, then another"),
    ("GPT4", 4, {}, 0, "part of a word"),
    ("NaN", 4, {}, 0, "no number"),
    ("infinity", 4, {}, 0, "no number either"),
    ("1e999", 4, {}, 0, "larger than any float"),
    ("9" * 5000, 4, {}, 0, "a digit string past Python's limit"),
    ("1" * HUGE, 4, {}, 0, "2 MB of digits"),
    ("4 <think>", 4, {}, 0, "the reasoning is still open"),
    ("<think>9</think>4", 4, {}, 1, "reasoning is not the answer"),
    ("9 <answer>4</answer> 9", 4, {"tag": "answer"}, 1, "in the tag"),
    ("", 4, {}, 0, "empty"),
    ("four", 4, {}, 0, "words are not read"),
    ("4", "about 4", {}, None, "the gold is more than a number"),
    ("4", float("nan"), {}, None, "the gold is not finite"),
    ("4", 10**400, {}, None, "the gold is larger than any float"),
    ("4", True, {}, None, "a boolean is no number"),
    ("4", None, {}, None, "no gold"),
]


@pytest.mark.parametrize(
    ("completion", "answer", "options", "expected", "why"), NUMBER, ids=[row[-1] for row in NUMBER]
)
def test_number(completion, answer, options, expected, why):
    value = judge("number", completion, answer, **options).value
    assert value == (expected if expected is None else pytest.approx(expected)), why


def test_any_readable_number_scores_above_none_and_nearer_is_better():
    values = [judge("number", text, 0).value for text in ("1e308", "-1e308", "1e9", "10", "1")]
    assert values == sorted(values)
    assert values[0] > 0
    assert judge("number", "1.7e308", "-1.7e308", scale=1e-300).value > 0


GOOD = "<think>hm</think> <answer>4</answer>"
FORMAT = [
    (GOOD, {}, 1, 1, "both, in order"),
    (f"\n{GOOD}\n", {}, 1, 1, "space around them"),
    (f"So {GOOD}", {}, 0, 0.5, "text before the first"),
    (f"{GOOD} done", {}, 0, 0.5, "text after the last"),
    ("<think>a</think> so <answer>4</answer>", {}, 0, 0.5, "text between"),
    (f"So {GOOD} done", {"outside": True}, 1, 1, "text around them, allowed"),
    ("<answer>4</answer><think>a</think>", {}, 0, 0, "out of order"),
    (f"{GOOD}<answer>5</answer>", {}, 0, 0.5, "twice"),
    ("<think>a<answer>4</answer>", {}, 0, 0, "the reasoning left open"),
    ("<think><answer>4</answer></think>", {"outside": True}, 0, 0.5, "one inside the other"),
    ("<think>a</think><answer> </answer>", {}, 0, 0.5, "nothing in it"),
    ("</think>a<think><answer>4</answer>", {"outside": True}, 0, 0.5, "the wrong way round"),
    ("<THINK>a</THINK><answer>4</answer>", {}, 0, 0, "another tag"),
    ("", {}, 0, 0, "empty"),
    ("hm</think><answer>4</answer>", {"opened": True}, 1, 1, "the prompt opened the first"),
    (GOOD, {"opened": True}, 0, 0, "opened again"),
    ("<think>" * (HUGE // 7), {}, 0, 0, "2 MB of tags"),
    ("#### 4", {"tags": [], "pattern": r"^#### -?\d+$"}, 1, None, "a pattern"),
    ("4", {"tags": [], "pattern": r"^#### -?\d+$"}, 0, None, "another text"),
    ("<think>x</think>#### 4", {"tags": [], "pattern": "^####"}, 1, None, "of the final text"),
    ("x" * HUGE, {"tags": [], "pattern": "x"}, 0, None, "too long for a pattern"),
    (GOOD, {"pattern": "5"}, 0, 1, "tags without the pattern"),
    (GOOD, {"pattern": "5", "partial": True}, 0.5, 1, "half of it, in part"),
    (f"So {GOOD}", {"partial": True}, 0.5, 0.5, "one tag of two, in part"),
]


@pytest.mark.parametrize(
    ("completion", "options", "expected", "tags", "why"), FORMAT, ids=[row[-1] for row in FORMAT]
)
def test_format(completion, options, expected, tags, why):
    score = judge("format", completion, **options)
    assert score.value == expected, why
    assert score.components.get("tags") == tags, why


LENGTH = [
    ("", None, {}, 0, "empty"),
    ("x" * 2000, None, {}, 0, "at the soft limit"),
    ("x" * 3000, None, {}, -0.5, "half way"),
    ("x" * 4000, None, {}, -1, "at the hard limit"),
    ("x" * HUGE, None, {}, -1, "2 MB"),
    ("<think>" + "x" * 2993, None, {}, -0.5, "reasoning counts"),
    ("x" * 9000, [7] * 10, {"unit": "tokens", "soft": 8, "hard": 12}, -0.5, "tokens"),
    ("x", None, {"unit": "tokens"}, None, "no token ids"),
]


@pytest.mark.parametrize(
    ("completion", "ids", "options", "expected", "why"), LENGTH, ids=[row[-1] for row in LENGTH]
)
def test_length(completion, ids, options, expected, why):
    assert judge("length", completion, token_ids=ids, **options).value == expected, why


def test_length_is_the_overlong_punishment_of_dapo():
    longest, cache = 40, 16  # L_max and L_cache of eq. 13, arXiv:2503.14476
    for length in range(60):
        if length <= longest - cache:
            expected = 0.0
        elif length <= longest:
            expected = ((longest - cache) - length) / cache
        else:
            expected = -1.0
        options = {"soft": longest - cache, "hard": longest, "unit": "tokens"}
        assert judge("length", "x", token_ids=range(length), **options).value == expected


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("choice", {"labels": ["a"]}, "at least two labels"),
        ("choice", {"labels": ["a", "A"]}, "every label and alias once"),
        ("choice", {"labels": ["a", ""]}, "none empty"),
        ("choice", {"aliases": {"maybe": ["perhaps"]}}, "which are no labels"),
        ("number", {"scale": 0}, "more than 0"),
        ("number", {"tolerance": -1}, "at least 0"),
        ("format", {"tags": []}, "nothing to ask for"),
        ("format", {"tags": ["<a>"]}, "without < and >"),
        ("format", {"tags": ["a", "a"]}, "once"),
        ("format", {"pattern": "("}, "re.search"),
        ("length", {"soft": 5, "hard": 5}, "less than hard"),
    ],
)
def test_options_that_make_no_sense_are_refused(name, options, says):
    with pytest.raises(OptionError, match=says):
        judge(name, "x", "x", **options)


HOSTILE = {
    "combining marks": "a" + "\u0301\u0323" * (MAX_CHARS // 2 - 1),
    "thousands": "1" + ",123" * (MAX_CHARS // 4 - 4) + ",1234",
    "digits and points": "1." * (MAX_CHARS // 2),
    "minus signs": "-" * MAX_CHARS,
    "denials": "not " * (MAX_CHARS // 4),
    "denied labels": "not yes " * (MAX_CHARS // 8),
    "spaces": "x" + " " * (MAX_CHARS - 2) + "x",
    "words": "ab " * (MAX_CHARS // 3),
    "tags": "<answer>" * (MAX_CHARS // 8),
    "closed tags": "<answer>4</answer>" * (MAX_CHARS // 18),
    "thoughts": "<think></think>" * (HUGE // 15),
    "every character": "".join(map(chr, range(0x20, 0x20 + MAX_CHARS))),
    "expanding letters": "ΐ" * MAX_CHARS,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("name", REWARDS)
def test_hostile_text_is_judged_in_bounded_time(name, text):
    options = {"tag": "answer"} if "tag" in resolve(REWARDS[name], {}) else {}
    for given in ({}, options):
        for _ in range(3):  # a busy machine makes one try long, not three
            start = time.thread_time()
            score = judge(name, text, "yes" if name == "choice" else "4", **given)
            seconds = time.thread_time() - start
            if seconds < 1.0:
                break
        assert seconds < 1.0
        assert len(json.dumps(score.info)) < 5_000


def test_every_text_reward_is_inline_and_documented():
    for name, component in REWARDS.items():
        assert spec_of(component).inline, name
        assert component.__doc__, name
        assert all(math.isfinite(limit) for limit in spec_of(component).range)
