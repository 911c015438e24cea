r"""Reading one expression, LaTeX or plain, as a tree.

Nothing is evaluated here, and nothing is ever executed.

A tree is made of tuples: `("num", Fraction)`, `("sym", name)`, `("add", a, b, …)`, `("mul", a,
b, …)`, `("div", a, b)`,
`("pow", a, b)`, `("neg", a)`, `("fact", a)`, `("call", name, a, …)`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from rlvr_rewards_math.numerals import read_numeral
from rlvr_rewards_math.tokens import CLOSING, OPENING, Refused, Token, Unreadable

Node = tuple[Any, ...]

MAX_DEPTH = 100
"""Rules in each other while reading: about three for each pair of brackets."""
MAX_SIGNS = 40
MAX_CHAIN = 160
"""Factors in a row; each is a level of the tree, and the trainer's stack is not ours to fill."""
_CONSTANTS = {"\\pi": "π", "\\infty": "∞", "\\emptyset": "∅"}
_GREEK_WRITTEN = r"""
    \alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \vartheta \iota \kappa
    \lambda \mu \nu \xi \rho \sigma \tau \upsilon \phi \chi \psi \omega \Gamma \Delta \Theta
    \Lambda \Xi \Pi \Sigma \Phi \Psi \Omega \ell \hbar
"""
_GREEK = frozenset(_GREEK_WRITTEN.split())
_ACCENTS_WRITTEN = r"""
    \vec \bar \hat \tilde \overline \overrightarrow \mathbb \mathcal
"""
_ACCENTS = frozenset(_ACCENTS_WRITTEN.split())
_TAKES_WHOLE_GROUP = frozenset(
    ["sqrt", "cbrt", "abs", "floor", "ceil", "ceiling", "gcd", "lcm", "max", "min", "binom"]
)
_ARITY = {
    "sqrt": (1, 2),
    "log": (1, 2),
    "binom": (2,),
    **dict.fromkeys(("gcd", "lcm", "max", "min"), range(1, 20)),
}
_NAMED_FUNCTIONS = frozenset("fghFGP")


def read_expression(tokens: list[Token], pairs: dict[int, int], start: int, end: int) -> Node:
    """The tree of the tokens from `start` to `end`.

    Raises:
        Unreadable: they are no expression.
    """
    reader = _Reader(tokens, pairs, start, end)
    node = reader.sum()
    if reader.place != end:
        raise Unreadable(f"{tokens[reader.place].text!r} is in the way")
    return node


class _Reader:
    """Recursive descent: a method a rule, from loose to tight."""

    def __init__(self, tokens: list[Token], pairs: dict[int, int], start: int, end: int) -> None:
        self.tokens, self.pairs, self.place, self.end = tokens, pairs, start, end
        self.depth = 0
        self.rest_of_number = ""

    def peek(self) -> Token | None:
        return self.tokens[self.place] if self.place < self.end else None

    def next_is(self, *texts: str) -> bool:
        token = self.peek()
        return token is not None and token.kind != "text" and token.text in texts

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"more than {MAX_DEPTH} levels")
        parts = [self.product()]
        while self.next_is("+", "-"):
            minus = self.tokens[self.place].text == "-"
            self.place += 1
            part = self.product()
            parts.append(("neg", part) if minus else part)
        self.depth -= 1
        return parts[0] if len(parts) == 1 else ("add", *parts)

    def product(self) -> Node:
        node, factors = self.signed(), 1
        while (token := self.peek()) is not None:
            factors += 1
            if factors > MAX_CHAIN:
                raise Unreadable(f"a product of more than {MAX_CHAIN} factors")
            if token.text == "*" and token.kind != "text":
                self.place += 1
                node = ("mul", node, self.signed())
            elif token.text == "/" and token.kind != "text":
                self.place += 1
                node = ("div", node, self.signed())
            elif self.starts_factor(token):
                node = self.juxtaposed(node)
            else:
                break
        return node

    def starts_factor(self, token: Token) -> bool:
        if token.kind in ("num", "sym", "func"):
            return True
        if token.kind == "text" or token.text in CLOSING:
            return False
        if token.text == "|":
            return False
        return (
            token.text in OPENING
            or token.text in _GREEK
            or token.text in _CONSTANTS
            or token.text in _STARTS
        )

    def juxtaposed(self, left: Node) -> Node:
        r"""`2x` is a product, `1 \\frac{1}{2}` a mixed number, `1 1/2` too."""
        token = self.tokens[self.place]
        whole = left[1] if left[0] == "neg" else left
        is_whole = whole[0] == "num" and whole[1].denominator == 1
        if is_whole and (fraction := self.proper_fraction()) is not None:
            mixed: Node = ("add", whole, fraction)
            return ("neg", mixed) if left[0] == "neg" else mixed
        if token.kind == "num" and left[0] == "num":
            following = self.place + 1
            if following >= self.end or self.tokens[following].text != "\\frac":
                raise Refused("two numbers side by side")
            right = self.factor()
            return ("mul", left, self.juxtaposed(right))
        return ("mul", left, self.factor())

    def proper_fraction(self) -> Node | None:
        """A fraction of two whole numbers, the first one smaller, if that comes next."""
        place = self.place
        token = self.tokens[place]
        if token.text == "\\frac":
            node = self.factor()
            top, bottom = node[1], node[2] if len(node) > 2 else None
            if node[0] == "div" and bottom and top[0] == bottom[0] == "num" and top[1] < bottom[1]:
                return node
        elif token.kind == "num" and token.spaced and self.end - place >= 3:
            slash, bottom_token = self.tokens[place + 1 : place + 3]
            if slash.text == "/" and bottom_token.kind == "num":
                top_value, bottom_value = read_numeral(token.text), read_numeral(bottom_token.text)
                if top_value and bottom_value and top_value < bottom_value:
                    self.place = place + 3
                    return ("div", ("num", top_value), ("num", bottom_value))
        self.place = place
        return None

    def signed(self) -> Node:
        signs = 0
        while self.next_is("+", "-"):
            signs += self.tokens[self.place].text == "-"
            self.place += 1
        node = self.factor()
        return ("neg", node) if signs % 2 else node

    def factor(self) -> Node:
        node, signs = self.atom(), 0
        while (token := self.peek()) is not None and token.kind != "text":
            signs += 1
            if signs > MAX_SIGNS:
                raise Unreadable(f"more than {MAX_SIGNS} signs behind a factor")
            if token.text == "^" and (after := self.degree_sign()):
                self.place = after
                node = ("div", ("mul", node, ("sym", "π")), ("num", Fraction(180)))
            elif token.text == "^":
                self.place += 1
                node = ("pow", node, self.exponent())
            elif token.text == "_" and node[0] == "pow" and node[1][0] == "sym":
                self.place += 1  # x^{2}_{i} is x_{i}^{2}
                node = ("pow", ("sym", f"{node[1][1]}_{self.subscript()}"), node[2])
            elif token.text == "!":
                self.place += 1
                node = ("fact", node)
            elif token.text == "%":
                self.place += 1
                node = ("div", node, ("num", Fraction(100)))
            else:
                break
        return node

    def degree_sign(self) -> int:
        """The place after a degree sign that begins here; 0 if none does."""
        following = [
            token.text for token in self.tokens[self.place + 1 : min(self.end, self.place + 4)]
        ]
        if following[:1] == ["\\circ"]:
            return self.place + 2
        return self.place + 4 if following == ["{", "\\circ", "}"] else 0

    def exponent(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"more than {MAX_DEPTH} levels")
        minus = self.next_is("-")
        self.place += minus or self.next_is("+")
        node = self.atom()
        if self.next_is("^"):
            self.place += 1
            node = ("pow", node, self.exponent())
        self.depth -= 1
        return ("neg", node) if minus else node

    def atom(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"more than {MAX_DEPTH} levels")
        node = self.one_atom()
        self.depth -= 1
        return node

    def one_atom(self) -> Node:
        token = self.peek()
        if token is None:
            raise Unreadable("something is missing at the end")
        self.place += 1
        if token.kind == "num":
            return self.number(token)
        if token.kind == "sym" or token.text in _GREEK:
            return self.symbol(token.text.lstrip("\\"))
        if token.kind == "func":
            return self.function(token.text)
        if token.kind == "text":
            raise Unreadable(f"words: {token.text!r}")
        if token.text in _CONSTANTS:
            return ("sym", _CONSTANTS[token.text])
        return self.structure(token)

    def number(self, token: Token) -> Node:
        text = token.text
        if self.rest_of_number:
            text, self.rest_of_number = self.rest_of_number, ""
        if self.next_is("\\overline") and "." in text and self.place + 3 < self.end + 1:
            repeated = self.tokens[self.place + 2]
            if repeated.text.isdigit() and self.tokens[self.place + 3].text == "}":
                self.place += 4
                return ("num", _repeating(text, repeated.text))
        if len(text) > 400:
            raise Unreadable("a number of more than 400 digits")
        value = read_numeral(text)
        if value is None:
            value = Fraction(text)  # scientific: at most three digits of exponent
        return ("num", value)

    def symbol(self, name: str) -> Node:
        if self.next_is("_"):
            self.place += 1
            name += "_" + self.subscript()
        while self.next_is("'"):
            self.place += 1
            name += "'"
        if name in _NAMED_FUNCTIONS and self.next_is("("):
            return ("call", name, *self.arguments())
        return ("sym", name)

    def subscript(self) -> str:
        token = self.peek()
        if token is None:
            raise Unreadable("a subscript is missing")
        if token.text == "{":
            close = self.pairs[self.place]
            text = "".join(one.text for one in self.tokens[self.place + 1 : close])
            self.place = close + 1
            return text
        self.place += 1
        return token.text

    def function(self, name: str) -> Node:
        power, base = None, None
        for _ in range(2):
            if self.next_is("^"):
                self.place += 1
                power = self.exponent()
            elif self.next_is("_"):
                self.place += 1
                base = self.atom_or_digit()
        if name == "sqrt" and self.next_is("["):
            close = self.pairs[self.place]
            base = read_expression(self.tokens, self.pairs, self.place + 1, close)
            self.place = close + 1
        arguments = self.arguments() if self.next_is("(", "{") else (self.bare_argument(name),)
        if name in ("sqrt", "log") and base is not None:
            arguments = (*arguments, base)
        if len(arguments) not in _ARITY.get(name, (1,)):
            raise Unreadable(f"{name} of {len(arguments)} values")
        if power is not None and power == ("neg", ("num", Fraction(1))) and name in _INVERSE:
            return ("call", _INVERSE[name], *arguments)
        node = ("call", name, *arguments)
        return node if power is None else ("pow", node, power)

    def atom_or_digit(self) -> Node:
        return self.digit() if self.next_is_number() else self.atom()

    def arguments(self) -> tuple[Node, ...]:
        """What a bracket holds, split at its commas."""
        opening, close = self.place, self.pairs[self.place]
        outer_end, nodes = self.end, []
        self.place, self.end = opening + 1, close
        nodes.append(self.sum())
        while self.next_is(","):
            self.place += 1
            nodes.append(self.sum())
        if self.place != close:
            raise Unreadable("a bracket holds no expression")
        self.place, self.end = close + 1, outer_end
        return tuple(nodes)

    def bare_argument(self, name: str) -> Node:
        r"""`\sin 2x` takes the whole product, `\sqrt2` one thing; another function ends it."""
        if name in _TAKES_WHOLE_GROUP:
            return self.atom()
        node, factors = self.signed(), 1
        while (
            (token := self.peek()) is not None
            and self.starts_factor(token)
            and token.kind != "func"
        ):
            factors += 1
            if factors > MAX_SIGNS or (token.text in OPENING and token.text != "{"):
                break
            node = ("mul", node, self.factor())
        return node

    def next_is_number(self) -> bool:
        token = self.peek()
        return token is not None and token.kind == "num"

    def digit(self) -> Node:
        r"""One digit as an argument, as TeX takes it: `\frac12` is one half."""
        token = self.tokens[self.place]
        if self.rest_of_number:
            digits, self.rest_of_number = self.rest_of_number, ""
        else:
            digits = token.text
        if len(digits) == 1 or not digits.isdigit():
            self.place += 1
            return ("num", Fraction(digits.replace(",", "")))
        self.rest_of_number = digits[1:]
        return ("num", Fraction(digits[0]))

    def group_or_digit(self) -> Node:
        return self.digit() if self.next_is_number() else self.atom()

    def structure(self, token: Token) -> Node:
        if token.text in ("\\frac", "\\binom"):
            top, bottom = self.group_or_digit(), self.group_or_digit()
            node: Node = (
                ("div", top, bottom) if token.text == "\\frac" else ("call", "binom", top, bottom)
            )
            if self.rest_of_number:
                digits, self.rest_of_number = self.rest_of_number, ""
                self.place += 1
                return ("mul", node, ("num", Fraction(digits)))
            return node
        if token.text in OPENING:
            return self.bracket(token)
        if token.text == "|":
            return self.absolute()
        if token.text in _ACCENTS:
            return ("sym", f"{token.text[1:]}({self.subscript()})")
        if token.text in ("\\angle", "\\triangle", "\\vert"):
            return self.symbol(token.text[1:] + "".join(self.letters()))
        raise Unreadable(f"{token.text!r} is unknown")

    def letters(self) -> list[str]:
        names = []
        while (token := self.peek()) is not None and token.kind == "sym":
            names.append(token.text)
            self.place += 1
        return names

    def bracket(self, token: Token) -> Node:
        close = self.pairs[self.place - 1]
        closing = self.tokens[close].text
        if (token.text, closing) not in _GROUPS:
            raise Unreadable(f"{token.text} … {closing} is no group")
        self.depth += 1
        outer_end, self.end = self.end, close
        node = self.sum()
        if self.place != close:
            raise Unreadable("a bracket holds no expression")
        self.place, self.end = close + 1, outer_end
        self.depth -= 1
        name = _GROUPS[(token.text, closing)]
        return ("call", name, node) if name else node

    def absolute(self) -> Node:
        level = 0
        for index in range(self.place, self.end):
            text = self.tokens[index].text
            level += (text in OPENING) - (text in CLOSING)
            if text == "|" and level == 0:
                outer_end, self.end = self.end, index
                node = self.sum()
                if self.place != index:
                    raise Unreadable("| … | holds no expression")
                self.place, self.end = index + 1, outer_end
                return ("call", "abs", node)
        raise Unreadable("| is not closed")


_GROUPS = {
    ("(", ")"): "",
    ("[", "]"): "",
    ("{", "}"): "",
    ("\\lfloor", "\\rfloor"): "floor",
    ("\\lceil", "\\rceil"): "ceil",
}
_INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_STARTS = frozenset(["\\frac", "\\binom", "\\angle", "\\triangle", *_ACCENTS])


def _repeating(text: str, repeated: str) -> Fraction:
    r"""`0.1\overline{6}`: the digits under the line go on for ever."""
    digits = len(text.partition(".")[2])
    tail = Fraction(int(repeated), (10 ** len(repeated) - 1) * 10**digits)
    return Fraction(text) + tail
