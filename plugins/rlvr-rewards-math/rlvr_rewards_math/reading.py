r"""Reading the structure of an answer.

Lists, tuples, sets, intervals, relations, ratios, both signs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from itertools import product

from rlvr_rewards_math.measures import read_quantity
from rlvr_rewards_math.relations import RELATIONS, relation, relation_to_nothing, solutions
from rlvr_rewards_math.tokens import Token, Unreadable, match_brackets
from rlvr_rewards_math.values import Combined, Group, Named, Ratio, Value

MAX_ITEMS = 64
_OR, _AND = frozenset({"or"}), frozenset({"and"})
_QUANTIFIER = re.compile(r"^(?:for (?:all|any|every|each|some)|where|with)\b|^for$", re.IGNORECASE)
_SET_OPERATIONS = {"\\cup": "union", "\\cap": "intersection", "\\setminus": "difference"}


class Reading:
    """The tokens of one answer and their brackets.

    Each method reads a stretch, from loose to tight.
    """

    def __init__(self, tokens: list[Token]) -> None:
        if len(tokens) > 2 and tokens[0].text == "]" and tokens[-1].text == "[":
            # ]a, b[ is an open interval in half of Europe
            tokens = [Token("op", "("), *tokens[1:-1], Token("op", ")")]
        self.tokens = tokens
        self.pairs = match_brackets(tokens)
        self.texts = frozenset(token.text for token in tokens)
        self.has_words = any(token.kind == "text" for token in tokens)

    def whole(self) -> Value:
        """The value of all tokens."""
        return self.listed(0, len(self.tokens))

    def split(
        self, start: int, end: int, separators: Iterable[str], words: frozenset[str]
    ) -> list[tuple[int, int, str]]:
        """The stretches between separators outside of brackets.

        Each with the separator after it.
        """
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
        """Values separated by commas, semicolons, "and", "or".

        One value if there is no separator.
        """
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
        if (stretches := solutions(values)) is not None:
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
        inside = self.split(start, end, ("\\in",), frozenset({"in"}))
        if len(inside) == 2 and inside[0][1] > inside[0][0]:
            return Named(self.joined(*inside[0][:2]), self.joined(*inside[1][:2]))
        parts = self.split(start, end, ("\\approx",), frozenset())
        if len(parts) > 1 and self.is_symbol(*parts[0][:2]):
            return Named(self.joined(*parts[0][:2]), self.joined(*parts[1][:2]))
        start, end = parts[0][:2] if parts[0][0] < parts[0][1] else parts[-1][:2]
        chain = self.split(start, end, RELATIONS, frozenset())
        if len(chain) == 1:
            return self.joined(start, end)
        if len(chain) == 2 and chain[0][0] == chain[0][1] and chain[1][0] < chain[1][1]:
            return relation_to_nothing(RELATIONS[chain[0][2]], self.joined(*chain[1][:2]))
        chain = [part for part in chain if part[0] < part[1]]
        sides = [self.joined(first, last) for first, last, _ in chain]
        relations = [RELATIONS[separator] for _, _, separator in chain[:-1]]
        if len(sides) != len(relations) + 1 or len(sides) < 2:
            raise Unreadable("a relation without a side")
        return relation(sides, relations)

    def is_symbol(self, start: int, end: int) -> bool:
        """The stretch is a single letter."""
        return end - start == 1 and self.tokens[start].kind == "sym"

    def joined(self, start: int, end: int) -> Value:
        """Sets joined by operations, a ratio, or one value."""
        for sign, operation in _SET_OPERATIONS.items():
            parts = self.split(start, end, (sign,), frozenset())
            if len(parts) > 1:
                sets = tuple(_as_set(self.joined(first, last)) for first, last, _ in parts)
                return Combined(operation, sets)
        ratio = self.split(start, end, (":",), frozenset())
        if len(ratio) > 1 and all(first < last for first, last, _ in ratio):
            digits = [self.tokens[first].text for first, _, _ in ratio[1:]]
            clock = any(len(one) == 2 and one.startswith("0") for one in digits)
            return Ratio(tuple(self.single(first, last) for first, last, _ in ratio), clock)
        return self.single(start, end)

    def single(self, start: int, end: int) -> Value:
        """A bracketed structure, both values of a ±, or a quantity."""
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
        return read_quantity(self.tokens, self.pairs, start, end)

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
        choices = [
            item.items if isinstance(item, Group) and item.kind == "list" else (item,)
            for item in items
        ]
        if (
            1 < math.prod(len(choice) for choice in choices) <= 16
        ):  # signs in a tuple are chosen one by one
            return Group(
                "list", tuple(Group("row", row, opening, closing) for row in product(*choices))
            )
        return Group("row", items, opening, closing)

    def holds_structure(self, start: int, end: int) -> bool:
        """What is between brackets is more than an expression."""
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
            values.append(Reading(tokens).whole())
        return Group("list", tuple(values))


def _as_set(value: Value) -> Value:
    """What stands beside a union sign is a set, however its braces are written."""
    return Group("set", value.items) if isinstance(value, Group) and value.kind == "list" else value


def _flat(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Values with the two of each ± side by side with the others."""
    flat: list[Value] = []
    for value in values:
        flat += value.items if isinstance(value, Group) and value.kind == "list" else (value,)
    return tuple(flat)
