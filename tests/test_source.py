"""YAML as pipelines read it: JSON values only, numbers as people write them, a line for all."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rlvr_ops_core.errors import PipelineError, printable
from rlvr_ops_core.source import Document, parse_document
from rlvr_ops_core.yaml_values import to_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        ("-2e+3", -2000.0),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("-.5e1", -5.0),
        ("1.", 1.0),
        ("1_000", 1000),
        ("0x1F", 31),
        ("0b101", 5),
        ("-0", 0),
        (".inf", float("inf")),
        ("yes", True),
        ("off", False),
        ("~", None),
        ("", None),
        # text, where YAML 1.1 sees something else
        ("007", "007"),
        ("12:30:45", "12:30:45"),
        ("1:30.5", "1:30.5"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("=", "="),
        ("1e", "1e"),
        ("e5", "e5"),
        ("0..99", "0..99"),
        ("1.2.3", "1.2.3"),
        ("'1e-5'", "1e-5"),
        ("owner/model", "owner/model"),
    ],
)
def test_a_value_is_read_as_people_mean_it(text: str, value: object) -> None:
    read = parse_document(f"a: {text}\n", "p.yaml").value["a"]
    assert read == value
    assert type(read) is type(value)


def test_nan_is_a_number() -> None:
    assert str(parse_document("a: .nan", "p.yaml").value["a"]) == "nan"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@given(json_values | st.sampled_from(["1e5", "1:30", "=", "2024-01-01", "yes", "007", "0x1", "~"]))
def test_what_is_written_is_read_back(value: object) -> None:
    text = to_yaml({"value": value})
    assert parse_document(text, "p.yaml").value == {"value": value}
    yaml.safe_load(text)  # and every other reader can read it


def mistakes_of(text: str) -> list[str]:
    """The lines of the mistakes; none if the text is sound."""
    try:
        parse_document(text, "p.yaml")
    except PipelineError as error:
        return str(error).split("\n")
    return []


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    assert all(printable(line) == line for line in mistakes_of(text))


@given(st.text(alphabet="[]{}:,-&*!|>'\"%@`#?~\n\t ab1<", max_size=60))
def test_no_punctuation_makes_the_reader_fail_otherwise(text: str) -> None:
    assert all(line.startswith(("p.yaml:", "  ")) for line in mistakes_of(text))


def document() -> Document:
    return parse_document("a:\n  b: 1\n  c:\n    - x\n    - {d: 2,\n       e: 3}\n", "p.yaml")


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ((), 1),
        (("a",), 1),
        (("a", "b"), 2),
        (("a", "c"), 3),
        (("a", "c", 0), 4),
        (("a", "c", 1), 5),
        (("a", "c", 1, "d"), 5),
        (("a", "c", 1, "e"), 6),
        (("a", "c", 1, "missing"), 5),
        (("a", "missing", "deeper"), 1),
        (("missing",), 1),
    ],
)
def test_every_place_has_the_line_of_its_key(place: tuple[str | int, ...], line: int) -> None:
    assert document().mistake(place, "what").line == line


def test_a_mistake_shows_where_what_and_what_to_do() -> None:
    mistake = document().mistake(("a", "c", 1, "d"), "is wrong", "do this\nor that")
    assert str(mistake) == "p.yaml:5: a.c.1.d: is wrong\n  do this\n  or that"


def test_a_long_place_is_cut_part_by_part() -> None:
    mistake = document().mistake(("a" * 100, "b"), "is wrong")
    assert mistake.path == "a" * 39 + "….b"
