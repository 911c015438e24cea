"""The number grammar: what is written one way equals what is written another way.

And nothing else.
"""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from rlvr_rewards_math.equal import equal_fast
from rlvr_rewards_math.extract import extract_answer
from rlvr_rewards_math.judge import judge
from rlvr_rewards_math.numerals import read_numeral
from rlvr_rewards_math.quantities import Policy

from rlvr_ops_core import UNDECIDED, Sample, Score, Task

POLICY = Policy()
INTEGERS = st.integers(-(10**12), 10**12)
DENOMINATORS = st.integers(1, 10**6)
SPELLINGS = [
    lambda n: f"{n}",
    lambda n: f"{n:,}",
    lambda n: f"{n}.0",
    lambda n: f"${n}$",
    lambda n: f"\\({n}\\)",
    lambda n: f"{n:,}".replace(",", "{,}"),
    lambda n: f"{n:,}".replace(",", "\\,"),
    lambda n: f"{n:,}".replace(",", ",\\!"),
    lambda n: f"{n}".replace("-", "−"),
    lambda n: f"\\text{{{n}}}" if n >= 0 else f"{n}",
    lambda n: f"x = {n}",
    lambda n: f"\\frac{{{n}}}{{1}}",
    lambda n: f"{n} \\text{{ apples}}",
    lambda n: f"\\mathbf{{{n}}}" if 0 <= n < 10 else f"{n}",
    lambda n: f"{n}.",
]


def equal(gold, answer):
    return judge(gold, answer, POLICY).equal


@given(INTEGERS, st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS))
def test_an_integer_equals_itself_in_every_spelling(number, one, other):
    assert equal(one(number), other(number)) is True


@given(INTEGERS, INTEGERS, st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS))
def test_different_integers_are_never_equal(a, b, one, other):
    if a != b:
        assert equal(one(a), other(b)) is False


@given(INTEGERS, DENOMINATORS, st.integers(1, 50))
def test_a_fraction_equals_itself_however_it_is_reduced(top, bottom, factor):
    spellings = [
        f"\\frac{{{top}}}{{{bottom}}}",
        f"{top * factor}/{bottom * factor}",
        f"\\dfrac{{{top * factor}}}{{{bottom * factor}}}",
        f"-\\frac{{{-top}}}{{{bottom}}}",
    ]
    for answer in spellings:
        assert equal(spellings[0], answer) is True
        assert equal(answer, spellings[0]) is True


@given(st.fractions(max_denominator=1000), st.fractions(max_denominator=1000))
def test_fractions_are_equal_only_if_they_are(a, b):
    assert equal(f"{a}", f"{b}") is (a == b)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
    )
)
def test_a_decimal_equals_its_fraction(number):
    text = f"{number:f}"
    assert equal(text, str(Fraction(text))) is True


@given(INTEGERS)
def test_a_numeral_reads_as_its_value(number):
    assert read_numeral(f"{number}") == number
    assert read_numeral(f"{number:,}") == number


@given(st.text(max_size=300))
def test_any_text_gets_a_verdict(text):
    for gold in ("42", "x^2", "(1,2)", "\\text{yes}"):
        result = equal_fast(Sample(Task("t", "", gold), text))
        assert result is UNDECIDED or isinstance(result, Score)


_MATH_WRITTEN = r"""
    \frac \sqrt \boxed { } ( ) [ ] \{ \} 1 2 0 x y + - * / ^ _ , ; = < > \le \pm \cup \text \sin
    \log ! % $ | : \infty \pi i e 3.5 1,000 \begin{pmatrix} & \\ \end{pmatrix} \binom f( or and
    \in ' ^\circ \overline \ldots \left \right
"""
MATH = st.lists(
    st.sampled_from(_MATH_WRITTEN.split()),
    max_size=40,
).map("".join)


@settings(max_examples=300)
@given(MATH, MATH)
def test_any_mathematics_gets_the_same_verdict_both_ways(a, b):
    there, back = judge(a, b, Policy(unevaluated=True)), judge(b, a, Policy(unevaluated=True))
    if there.equal is not None and back.equal is not None:
        one_sided = {
            "hidden text",
            "no answer",
            "choice",
            "two numbers side by side",
            "too large to work out",
        }
        if not {there.rule, back.rule} & one_sided:
            assert there.equal is back.equal


@given(MATH)
def test_extraction_survives_any_mathematics(text):
    extract_answer("\\boxed{" + text)
    extract_answer(text)
