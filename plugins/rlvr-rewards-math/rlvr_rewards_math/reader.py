r"""Reading a cleaned answer as a value: lists, tuples, sets, intervals, equations, matrices, ratios, quantities, words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from itertools import product

from rlvr_rewards_math.clean import clean
from rlvr_rewards_math.expression import Node, read_expression
from rlvr_rewards_math.tokens import CLOSING, OPENING, Token, Unreadable, match_brackets, tokenize
from rlvr_rewards_math.quantities import is_infinite
from rlvr_rewards_math.units import unit_of
from rlvr_rewards_math.values import (
    Combined,
    Group,
    Interval,
    Matrix,
    Named,
    Quantity,
    Ratio,
    Relation,
    Text,
    Value,
)

MAX_ITEMS = 64
RELATIONS = {
    "=": "=",
    "<": "<",
    ">": ">",
    "\\leq": "<=",
    "\\geq": ">=",
    "\\neq": "!=",
    "\\equiv": "=",
    "\\sim": "~",
}
_OR, _AND = frozenset({"or"}), frozenset({"and"})
_QUANTIFIER = re.compile(r"^(?:for (?:all|any|every|each|some)|where|with)\b|^for$", re.IGNORECASE)
_SET_OPERATIONS = {"\\cup": "union", "\\cap": "intersection", "\\setminus": "difference"}
_MATRICES = re.compile(
    r"\\begin\s*\{([pbvBV]?matrix|array)\}(?:\s*\{[lcr|\s]*\})?(.*?)\\end\s*\{\1\}", re.DOTALL
)
_ROW = re.compile(r"\\\\(?:\[[^\]]{0,10}\])?|\\cr(?![a-z])")
_MEASURED = re.compile(r"^(.*[\d}])(?:\s|\\[,; ]|~)+([a-zA-Z]{1,12}(?:\s?/\s?[a-zA-Z]{1,6})?(?:\^\{?[23]\}?)?)$")
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_NOT_WORDS = re.compile(r"[^\w\s.+-]|_")
_ARTICLES = re.compile(r"\b(?:the|a|an)\b")
_DOUBTFUL = re.compile(
    r"\b(?:is|are|was|not|isn't|wrong|incorrect|or|maybe|perhaps|but|if|between|either|neither|no|approx\w*|about|"
    r"to|from|at (?:least|most)|more|less|than|nor|correct|right|except\w*|without|exclud\w*|never|unless|guess\w*|"
    r"minus|plus|negative|percent|half|twice|double|error|false|invalid)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"^(?:option|choice|answer)?\s*\(?([A-Z])\)?[.):]?$")


def read_answer(text: str) -> Value:
    """The value that a text stands for.

    Raises:
        Unreadable: it is none that is known here.
    """
    text = clean(text)
    if not text:
        raise Unreadable("nothing is there")
    if "\\begin" in text:
        return _with_matrices(text)
    return _read_text(text)


def _read_text(text: str) -> Value:
    measured = _MEASURED.match(text)
    if measured and unit_of(measured[2]):
        value = _read_text(measured[1])
        if isinstance(value, Quantity) and not value.unit:
            return Quantity(value.node, measured[2], value.percent, value.decimals)
    try:
        tokens = tokenize(text)
        return _Reading(tokens).whole()
    except Unreadable:
        words = normal_words(text)
        if _is_prose(text, words):
            return Text(words)
        raise


def normal_words(text: str) -> str:
    r"""Words in normal form: lower case, no punctuation, no articles, no `\text`."""
    text = re.sub(r"\\(?:text\w*|math\w+|mbox)\s*\{", " ", text)
    text = _NOT_WORDS.sub(" ", text.casefold())
    words = " ".join(_ARTICLES.sub(" ", text).split()).strip(". ")
    return words or text.strip(". ")


def _is_prose(text: str, words: str) -> bool:
    letters = sum(1 for letter in words if letter.isalpha())
    commands = text.replace("\\text", "").count("\\")
    return (
        letters >= 2
        and commands == 0
        and not set(text) & set("=<>^_{}+*/|") - ({"{", "}"} if "\\text" in text else set())
    )


def _with_matrices(text: str) -> Value:
    match = _MATRICES.search(text)
    if match is None:
        raise Unreadable("an environment that is no matrix")
    around = (text[: match.start()] + text[match.end() :]).strip()
    prefix = text[: match.start()].strip()
    if around and around not in ("()", "[]"):
        if prefix.endswith("=") and not text[match.end() :].strip():
            return _read_matrix(match[2])
        raise Unreadable("something beside a matrix")
    return _read_matrix(match[2])


def _read_matrix(body: str) -> Matrix:
    lines = [line for line in _ROW.split(body) if line.strip()]
    if not 0 < len(lines) <= MAX_ITEMS:
        raise Unreadable("a matrix without rows, or with too many")
    rows = tuple(tuple(_read_text(clean(cell)) for cell in line.split("&")) for line in lines)
    if len({len(row) for row in rows}) != 1:
        raise Unreadable("rows of different length")
    return Matrix(rows)


class _Reading:
    """The tokens of one answer and their brackets; each method reads a stretch, from loose to tight."""

    def __init__(self, tokens: list[Token]) -> None:
        if len(tokens) > 2 and tokens[0].text == "]" and tokens[-1].text == "[":
            # ]a, b[ is an open interval in half of Europe
            tokens = [Token("op", "("), *tokens[1:-1], Token("op", ")")]
        self.tokens = tokens
        self.pairs = match_brackets(tokens)
        self.texts = frozenset(token.text for token in tokens)
        self.has_words = any(token.kind == "text" for token in tokens)

    def whole(self) -> Value:
        return self.listed(0, len(self.tokens))

    def split(
        self, start: int, end: int, separators: Iterable[str], words: frozenset[str]
    ) -> list[tuple[int, int, str]]:
        """The stretches between separators outside of brackets, each with the separator after it."""
        marks, parts, place, first = frozenset(separators), [], start, start
        if self.texts.isdisjoint(marks) and not (words and self.has_words):
            return [(start, end, "")]
        while place < end:
            token = self.tokens[place]
            is_word = token.kind == "text"
            if (is_word and token.text.lower().strip(" ,") in words) or (
                not is_word and token.text in marks
            ):
                parts.append(
                    (first, place, token.text.lower().strip(" ,") if is_word else token.text)
                )
                first = place + 1
            elif not is_word and place in self.pairs:
                place = self.pairs[place]
            place += 1
        parts.append((first, end, ""))
        return parts

    def listed(self, start: int, end: int) -> Value:
        """Values separated by commas, semicolons, "and", "or"; one value if there is no separator."""
        parts: list[tuple[int, int, str]] = []
        for first, last, word in self.split(start, end, ("&",), _OR | _AND):
            first, last = self.without_clause(first, last)
            parts += self.split(first, last, (",", ";"), frozenset())
            parts[-1] = (*parts[-1][:2], word)
        if {separator for _, _, separator in parts} >= {",", ";"}:
            return self.listed_twice(start, end)
        parts = [part for part in parts if part[0] < part[1]]
        if len(parts) > MAX_ITEMS:
            raise Unreadable(f"more than {MAX_ITEMS} values")
        if len(parts) == 1:
            return self.related(parts[0][0], parts[0][1])
        if not parts:
            raise Unreadable("nothing is there")
        values = tuple(self.related(first, last) for first, last, _ in parts)
        joints = {separator for _, _, separator in parts[:-1]}
        if (stretches := _solutions(values)) is not None:
            return Combined("intersection" if "and" in joints else "union", stretches)
        if isinstance(values[0], Named) and not any(
            isinstance(value, Named) for value in values[1:]
        ):
            return Named(values[0].name, Group("list", _flat((values[0].value, *values[1:]))))
        return Group("list", _flat(values))

    def listed_twice(self, start: int, end: int) -> Value:
        """Lists in a list: `p=5, q=2; p=7, q=2`."""
        rows = [
            self.listed(first, last)
            for first, last, _ in self.split(start, end, (";",), _OR | _AND)
        ]
        return Group("list", tuple(rows))

    def without_clause(self, start: int, end: int) -> tuple[int, int]:
        """The stretch without "for all …" and "where …" behind it."""
        for place in range(start + 1, end):
            token = self.tokens[place]
            if token.kind == "text" and _QUANTIFIER.match(token.text):
                while place - 1 > start and self.tokens[place - 1].text in (",", "("):
                    place -= 1
                return start, place
        return start, end

    def related(self, start: int, end: int) -> Value:
        """A chain of relations, a membership, or what has none."""
        if end - start > 2 and (inside := self.split(start, end, ("\\in",), frozenset({"in"})))[1:]:
            if len(inside) == 2 and inside[0][1] > inside[0][0]:
                return Named(self.joined(*inside[0][:2]), self.joined(*inside[1][:2]))
        parts = self.split(start, end, ("\\approx",), frozenset())
        if len(parts) > 1 and self.names_only(*parts[0][:2]):
            return Named(self.joined(*parts[0][:2]), self.joined(*parts[1][:2]))
        start, end = parts[0][:2] if parts[0][0] < parts[0][1] else parts[-1][:2]
        chain = self.split(start, end, RELATIONS, frozenset())
        if len(chain) == 1:
            return self.joined(start, end)
        if len(chain) == 2 and chain[0][0] == chain[0][1] and chain[1][0] < chain[1][1]:
            return _relation_to_nothing(RELATIONS[chain[0][2]], self.joined(*chain[1][:2]))
        chain = [part for part in chain if part[0] < part[1]]
        sides = [self.joined(first, last) for first, last, _ in chain]
        relations = [RELATIONS[separator] for _, _, separator in chain[:-1]]
        if len(sides) != len(relations) + 1 or len(sides) < 2:
            raise Unreadable("a relation without a side")
        return _relation(sides, relations)

    def names_only(self, start: int, end: int) -> bool:
        return end - start == 1 and self.tokens[start].kind == "sym"

    def joined(self, start: int, end: int) -> Value:
        """Sets joined by operations, a ratio, or one value."""
        for operation in _SET_OPERATIONS:
            parts = self.split(start, end, (operation,), frozenset())
            if len(parts) > 1:
                sets = tuple(_as_set(self.joined(first, last)) for first, last, _ in parts)
                return Combined(_SET_OPERATIONS[operation], sets)
        ratio = self.split(start, end, (":",), frozenset())
        if len(ratio) > 1 and all(first < last for first, last, _ in ratio):
            digits = [self.tokens[first].text for first, _, _ in ratio[1:]]
            clock = any(len(one) == 2 and one.startswith("0") for one in digits)
            return Ratio(tuple(self.single(first, last) for first, last, _ in ratio), clock)
        return self.single(start, end)

    def single(self, start: int, end: int) -> Value:
        if start >= end:
            raise Unreadable("a value is missing")
        if (
            self.pairs.get(start) == end - 1
            and (group := self.bracketed(start, end - 1)) is not None
        ):
            return group
        signs = [
            place for place in range(start, end) if self.tokens[place].text in ("\\pm", "\\mp")
        ]
        if signs:
            return self.both_signs(start, end, signs)
        return self.quantity(start, end)

    def bracketed(self, start: int, close: int) -> Value | None:
        """A set, tuple or interval; None if the brackets only group an expression."""
        opening, closing = self.tokens[start].text, self.tokens[close].text
        parts = self.split(start + 1, close, (",", ";"), frozenset())
        if opening == "\\{":
            return self.set_of(start + 1, close)
        if opening == "{" and (len(parts) > 1 or self.holds_structure(start + 1, close)):
            # braces that TeX doesn't print
            return self.listed(start + 1, close)
        if opening not in ("(", "[") or (
            len(parts) == 1 and not self.holds_structure(start + 1, close)
        ):
            return None
        if len(parts) > MAX_ITEMS:
            raise Unreadable(f"more than {MAX_ITEMS} values")
        if len(parts) == 1:
            return self.listed(start + 1, close)
        items = tuple(self.related(first, last) for first, last, _ in parts)
        choices = [item.items if isinstance(item, Group) and item.kind == "list" else (item,) for item in items]
        if 1 < math.prod(len(choice) for choice in choices) <= 16:  # signs in a tuple are chosen one by one
            return Group("list", tuple(Group("row", row, opening, closing) for row in product(*choices)))
        return Group("row", items, opening, closing)

    def holds_structure(self, start: int, end: int) -> bool:
        marks = {*RELATIONS, *_SET_OPERATIONS, "\\in", ":", "\\pm"}
        if self.pairs.get(start) == end - 1 and self.tokens[start].text in ("(", "[", "\\{"):
            return True
        return any(
            token.text in marks and token.kind != "text" for token in self.tokens[start:end]
        ) or (end - start == 1 and self.tokens[start].kind in ("sym", "text"))

    def set_of(self, start: int, end: int) -> Value:
        r"""`{1, 2}` or `{x | -1 < x < 1}`."""
        if start == end:
            return Group("set", ())
        bar = self.split(start, end, ("|", ":"), frozenset())
        if len(bar) == 2 and bar[0][0] < bar[0][1]:
            return Named(self.related(*bar[0][:2]), self.listed(*bar[1][:2]))
        inner = self.listed(start, end)
        if isinstance(inner, Group) and inner.kind == "list":
            return Group("set", inner.items)
        return Group("set", _flat((inner,)))

    def both_signs(self, start: int, end: int, signs: list[int]) -> Value:
        """`a ± b` stands for both values; all signs of one answer change together."""
        if len(signs) > 4:
            raise Unreadable("too many ±")
        values = []
        for plus, minus in (("+", "-"), ("-", "+")):
            tokens = list(self.tokens[start:end])
            for place in signs:
                chosen = plus if self.tokens[place].text == "\\pm" else minus
                tokens[place - start] = Token("op", chosen, tokens[place - start].spaced)
            values.append(_Reading(tokens).whole())
        return Group("list", tuple(values))

    def quantity(self, start: int, end: int) -> Value:
        """An expression with what may stand around it: currency, percent sign, unit, a noun, an ordinal's ending."""
        if (angle := self.degrees_and_minutes(start, end)) is not None:
            return angle
        unit = ""
        if self.tokens[start].text in ("$", "€", "£") and end - start > 1:
            unit, start = self.tokens[start].text, start + 1
        elif (
            self.tokens[start].text in ("-", "+")
            and end - start > 2
            and self.tokens[start + 1].text == "$"
        ):
            value = self.quantity(start + 2, end)
            if isinstance(value, Quantity):
                node: Node = ("neg", value.node) if self.tokens[start].text == "-" else value.node
                return Quantity(node, "$", value.percent, value.decimals)
        if (
            end - start == 3
            and self.tokens[start + 1].text == "_"
            and self.tokens[start].kind == "num"
        ):
            base = self.tokens[start + 2].text
            return Quantity(
                read_expression(self.tokens, self.pairs, start, start + 1), f"base {base}"
            )
        if end - start == 5 and [t.text for t in self.tokens[start + 1 : start + 3]] == ["_", "{"]:
            base = self.tokens[start + 3].text
            if self.tokens[start].kind == "num":
                return Quantity(
                    read_expression(self.tokens, self.pairs, start, start + 1), f"base {base}"
                )
        start = self.without_label(start, end)
        end, percent, tail = self.trailing(start, end)
        if start >= end:
            return _words(tail or " ".join(token.text for token in self.tokens))
        if end - start == 1 and self.tokens[start].kind == "text":
            return _words(f"{self.tokens[start].text} {tail}".strip())
        node = read_expression(self.tokens, self.pairs, start, end)
        scale, _, rest = tail.partition(" ")
        if scale in _SCALES:
            factor = Fraction(_SCALES[scale])
            node = ("num", node[1] * factor) if node[0] == "num" else ("mul", node, ("num", factor))
            return Quantity(node, unit or rest, percent)
        return Quantity(node, unit or tail, percent, self.written_decimals(start, end))

    def without_label(self, start: int, end: int) -> int:
        """The place after words that introduce a value: `only x`, `Area 5`; words that change it stay."""
        place = start
        while place < end and self.tokens[place].kind == "text":
            place += 1
        label = " ".join(token.text for token in self.tokens[start:place])
        if start < place < end and len(label.split()) <= 4 and not _DOUBTFUL.search(label):
            return place
        return start

    def degrees_and_minutes(self, start: int, end: int) -> Quantity | None:
        r"""`60^\circ 42'` in degrees."""
        texts = [token.text for token in self.tokens[start:end] if token.text not in ("{", "}")]
        numbers = [token.text for token in self.tokens[start:end] if token.kind == "num"]
        if len(texts) not in (5, 7, 8) or texts[1:3] != ["^", "\\circ"] or texts[4] != "'":
            return None
        if [texts[0], texts[3], *texts[5:6]] != numbers or not all(n.isdigit() for n in numbers):
            return None
        parts = [Fraction(int(number), 60**power) for power, number in enumerate(numbers)]
        return Quantity(("num", sum(parts, Fraction(0))), "deg")

    def trailing(self, start: int, end: int) -> tuple[int, bool, str]:
        """Where the expression ends, whether it is in percent, and the unit or noun behind it."""
        words: list[str] = []
        tokens = self.tokens
        while end > start and tokens[end - 1].kind == "text":
            words.insert(0, tokens[end - 1].text)
            end -= 1
        power = 0
        if end - start > 2:
            power = 2 if tokens[end - 2].text == "^" else 4 if tokens[end - 1].text == "}" else 0
        marked = power and end - start > power and tokens[end - power].text == "^"
        if marked and tokens[end - power - 1].kind == "text":
            # \text{cm}^2, \text{cm}^{2}
            exponent = "".join(token.text for token in tokens[end - power + 1 : end]).strip("{}")
            words.insert(0, f"{tokens[end - power - 1].text}^{exponent}")
            end -= power + 1
        if any(token.kind == "func" for token in tokens[start:end]):
            pass  # the degree sign belongs to its argument
        elif end - start >= 2 and tokens[end - 1].text == "\\circ" and tokens[end - 2].text == "^":
            return end - 2, False, "deg"
        if end - start >= 4 and [t.text for t in tokens[end - 4 : end]] == [
            "^",
            "{",
            "\\circ",
            "}",
        ]:
            return end - 4, False, "deg"
        elif end - start >= 2 and tokens[end - 1].text == "\\degree":
            return end - 1, False, "deg"
        text = " ".join(words).strip()
        if end - start >= 2 and tokens[end - 1].text in ("%", "$", "€"):
            symbol = tokens[end - 1].text
            return end - 1, symbol == "%", "" if symbol == "%" else symbol
        if text.lower().split(" ")[0] in ("percent", "percents", "percentage", "pct"):
            return end, True, ""
        if text and end > start:
            _check_noun(text)
        end = self.without_ordinal(start, end)
        return end, False, text

    def without_ordinal(self, start: int, end: int) -> int:
        """`12^{th}` is 12."""
        texts = [token.text for token in self.tokens[max(start, end - 4) : end]]
        if (
            len(texts) == 4
            and texts[0] == "^"
            and texts[1] == "{"
            and texts[2] in ("th", "st", "nd", "rd")
        ):
            return end - 4
        return end

    def written_decimals(self, start: int, end: int) -> int | None:
        """Digits after the point of a plain decimal; None for anything else."""
        if end - start == 2 and self.tokens[start].text in ("-", "+"):
            start += 1
        if end - start != 1 or self.tokens[start].kind != "num":
            return None
        digits = self.tokens[start].text
        return (
            len(digits.partition(".")[2]) if "." in digits and "e" not in digits.lower() else None
        )


def _check_noun(text: str) -> None:
    """A few words behind a number may name what is counted; a sentence may not."""
    if len(text.split()) > 6 or _DOUBTFUL.search(text) or any(c.isdigit() for c in text):
        if unit_of(text) is None:
            raise Unreadable(f"words behind the value: {text!r}")


def _words(text: str) -> Text:
    return Text(normal_words(text))


def _as_set(value: Value) -> Value:
    """What stands beside a union sign is a set, however its braces are written."""
    return Group("set", value.items) if isinstance(value, Group) and value.kind == "list" else value


def _solutions(values: tuple[Value, ...]) -> tuple[Value, ...] | None:
    """Inequalities, maybe with single solutions among them, as sets: `x < 1 or x = 3`."""
    variables = {value.variable for value in values if isinstance(value, Interval)}
    if len(variables) != 1 or variables == {""}:
        return None
    sets: list[Value] = []
    for value in values:
        if isinstance(value, Named) and name_of(value.name) in variables and is_number(value.value):
            sets.append(Group("set", (value.value,)))
        elif isinstance(value, Interval):
            sets.append(value)
        else:
            return None
    return tuple(sets)


def _flat(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Values with the two of each ± side by side with the others."""
    flat: list[Value] = []
    for value in values:
        flat += value.items if isinstance(value, Group) and value.kind == "list" else (value,)
    return tuple(flat)


def _relation_to_nothing(relation: str, value: Value) -> Value:
    """`> 3` says what a value is greater than, `= 3` just what it is."""
    if relation == "=":
        return value
    if relation in ("<", "<="):
        return Interval(None, value, False, relation == "<=")
    if relation in (">", ">="):
        return Interval(value, None, relation == ">=", False)
    return Relation((Text(""), value), (relation,))


def _relation(sides: list[Value], relations: list[str]) -> Value:
    kinds = set(relations)
    if kinds == {"="}:
        return _equation(sides)
    if kinds <= {"<", "<="} or kinds <= {">", ">="}:
        interval = _interval(sides, relations)
        if interval is not None:
            return interval
    return Relation(tuple(sides), tuple(relations))


def _equation(sides: list[Value]) -> Value:
    if is_name(sides[0]):
        return Named(sides[0], sides[-1])
    if len(sides) == 2 and is_name(sides[1]) and is_number(sides[0]):
        return Named(sides[1], sides[0])
    return Relation(tuple(sides), ("=",) * (len(sides) - 1))


def is_name(value: Value) -> bool:
    """A symbol, a function of symbols, or a tuple of them: what an equation can give a value to."""
    if isinstance(value, Group):
        return value.kind == "row" and all(is_name(item) for item in value.items)
    if isinstance(value, Text):
        return True
    if isinstance(value, Ratio):
        return all(is_name(part) for part in value.parts)
    if not isinstance(value, Quantity):
        return False
    kind = value.node[0]
    if kind == "sym":
        return value.node[1] not in ("π", "e", "i", "∞")
    if kind == "call":
        return value.node[1] in "fghFGP"
    if kind == "mul":  # p(x), AB, T(10): a letter beside a bracket reads as a product
        return (
            value.node[1][0] == "sym"
            and len(value.node) == 3
            and value.node[2][0] in ("sym", "num")
        )
    if kind == "div":  # \frac{NO}{BO}
        return all(is_name(Quantity(part)) for part in value.node[1:])
    return False


def is_number(value: Value) -> bool:
    """An expression without symbols."""
    return isinstance(value, Quantity) and not symbols_of(value.node)


def symbols_of(node: Node) -> frozenset[str]:
    """The symbols of a tree, constants left out."""
    if node[0] == "sym":
        return frozenset() if node[1] in ("π", "e", "i", "∞") else frozenset({node[1]})
    found: frozenset[str] = frozenset()
    for part in node[1:]:
        if isinstance(part, tuple):
            found |= symbols_of(part)
    return found


def _interval(sides: list[Value], relations: list[str]) -> Interval | None:
    """`a < x <= b`, `x > a`, `a > x`: an interval if one side is a name and the others are numbers."""
    if relations[0] in (">", ">="):
        sides, relations = sides[::-1], [{">": "<", ">=": "<="}[one] for one in relations[::-1]]
    ends = [_bound(side) for side in sides]
    if len(sides) == 3 and is_name(sides[1]) and ends[0] is not False and ends[2] is not False:
        low, high = (
            None if end is True else side
            for end, side in ((ends[0], sides[0]), (ends[2], sides[2]))
        )
        return Interval(low, high, relations[0] == "<=", relations[1] == "<=", name_of(sides[1]))
    if len(sides) == 2 and is_name(sides[0]) and ends[1] is not False:
        return Interval(
            None,
            None if ends[1] is True else sides[1],
            False,
            relations[0] == "<=",
            name_of(sides[0]),
        )
    if len(sides) == 2 and is_name(sides[1]) and ends[0] is not False:
        return Interval(
            None if ends[0] is True else sides[0],
            None,
            relations[0] == "<=",
            False,
            name_of(sides[1]),
        )
    return None


def _bound(side: Value) -> bool | None:
    """None for a number, True for infinity, False for what bounds nothing."""
    if not is_number(side):
        return False
    node = side.node if isinstance(side, Quantity) else ()
    return True if is_infinite(node) else None


def name_of(value: Value) -> str:
    """A name as text, to compare with another."""
    if isinstance(value, Quantity):
        return repr(value.node) if value.node[0] != "sym" else str(value.node[1])
    return repr(value)


__all__ = ["CLOSING", "OPENING", "read_answer"]
