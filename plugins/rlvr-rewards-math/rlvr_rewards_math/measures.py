r"""Reading one quantity.

An expression with currency, percent sign, unit, noun, scale or number base around it.
"""

from __future__ import annotations

from fractions import Fraction

from rlvr_rewards_math.expression import Node, read_expression
from rlvr_rewards_math.tokens import Token
from rlvr_rewards_math.values import Quantity, Text
from rlvr_rewards_math.words import DOUBTFUL, check_noun, normal_words

_SCALES = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "dozen": 12,
}


def read_quantity(
    tokens: list[Token], pairs: dict[int, int], start: int, end: int
) -> Quantity | Text:
    """The quantity between two places, or the words if there is no mathematics.

    Raises:
        Unreadable: it is neither.
    """
    return _Measured(tokens, pairs).whole(start, end)


class _Measured:
    """The tokens of one answer and their brackets."""

    def __init__(self, tokens: list[Token], pairs: dict[int, int]) -> None:
        self.tokens, self.pairs = tokens, pairs

    def whole(self, start: int, end: int) -> Quantity | Text:
        """An expression with what may stand around it.

        Currency, percent sign, unit, a noun, an ordinal's ending.
        """
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
            value = self.whole(start + 2, end)
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
            return _text(tail or " ".join(token.text for token in self.tokens))
        if end - start == 1 and self.tokens[start].kind == "text":
            return _text(f"{self.tokens[start].text} {tail}".strip())
        node = read_expression(self.tokens, self.pairs, start, end)
        scale, _, rest = tail.partition(" ")
        if scale in _SCALES:
            factor = Fraction(_SCALES[scale])
            node = ("num", node[1] * factor) if node[0] == "num" else ("mul", node, ("num", factor))
            return Quantity(node, unit or rest, percent)
        return Quantity(node, unit or tail, percent, self.written_decimals(start, end))

    def without_label(self, start: int, end: int) -> int:
        """The place after words that introduce a value: `only x`, `Area 5`.

        Words that change it stay.
        """
        place = start
        while place < end and self.tokens[place].kind == "text":
            place += 1
        label = " ".join(token.text for token in self.tokens[start:place])
        if start < place < end and len(label.split()) <= 4 and not DOUBTFUL.search(label):
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
            check_noun(text)
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


def _text(words: str) -> Text:
    return Text(normal_words(words))
