"""Values cross the border unchanged; nothing else crosses it."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rlvr_rewards_code.jail import codec


def refuse(value):
    raise TypeError(f"no plain value: {value!r}")


def there_and_back(value):
    return codec.loads(codec.dumps(value, refuse), refuse)


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary() | st.complex_numbers(allow_nan=False) | st.decimals(allow_nan=False)
    | st.fractions() | st.dates() | st.datetimes() | st.timedeltas() | st.times()
)  # fmt: skip
keys = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner)
    | st.sets(keys) | st.frozensets(keys),
    max_leaves=20,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine one draw took 2 s
@given(values)
def test_plain_values_cross_unchanged(value):
    result = there_and_back(value)
    assert result == value
    assert type(result) is type(value)


class Shape(enum.IntEnum):
    ROUND = 1


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Shape.ROUND, 1),
        (Point(1, 2), (1, 2)),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (type("Text", (str,), {"__eq__": lambda *_: True, "__hash__": str.__hash__})("x"), "x"),
        (type("Real", (float,), {"__eq__": lambda *_: True, "__hash__": None})(1.5), 1.5),
        (10**5000, 10**5000),
        (-0.0, -0.0),
        ("\ud800", "\ud800"),
        (range(3, 9, 2), range(3, 9, 2)),
        (int, int),
    ],
    ids=lambda value: type(value).__name__,
)
def test_subclasses_arrive_as_what_they_are_underneath(value, plain):
    result = there_and_back(value)
    assert type(result) is type(plain)
    assert result == plain


def test_the_remaining_types_arrive():
    items = [decimal.Decimal("NaN"), fractions.Fraction(1, 3), datetime.date(2026, 1, 2), ...]
    assert str(there_and_back(items)) == str(items)
    assert list(there_and_back({"a": 1}.keys())) == ["a"]
    assert there_and_back(collections.deque([1, 2])) == collections.deque([1, 2])


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"[]", b"[1]", b'["?"]', b'["o",0,"x"]', b'["i","zz"]', b'["d",1]', b"NaN",
        b'["s",["l"]]', b'["F","1","0"]', b'["T","eval"]', b'["D",[]]', b'{"a":1}', b'["r"]',
        b'["l",' * 100_000, b"1" * 10_000, b'["y","never"]', b"\xff\xfe", b'["f",[1]]',
    ],
)  # fmt: skip
def test_malformed_bytes_are_refused(payload):
    def no_reference(plain):
        raise codec.Malformed("an unknown tag")

    with pytest.raises(codec.Malformed):
        codec.loads(payload, no_reference)
