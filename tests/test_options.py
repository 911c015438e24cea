"""Options from signatures: read, converted, refused with the place and the nearest name."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from rlvr_ops_core import OptionError
from rlvr_ops_core.options import (
    bind,
    known_options,
    mistakes_in,
    options_hash,
    options_model,
    resolve,
)


def plain(
    sample: object,
    *,
    limit: int = 3,
    rate: float = 0.5,
    name: str | None = None,
    mode: Literal["slow", "fast"] = "slow",
    stop: Sequence[str] = (),
    path: Path | None = None,
    free=None,
) -> None:
    """A component with options of every sort."""


@dataclass(frozen=True, kw_only=True)
class Lora:
    rank: int
    alpha: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Built:
    steps: int
    tags: list[str] = field(default_factory=lambda: ["think"])
    lora: Lora | None = None

    def __call__(self, job: object) -> int:
        return self.steps


def handing(job: object, *, steps: int = 1, **others: Any) -> None:
    """Hand options on."""


handing.__rlvr_pass_through__ = lambda: frozenset({"learning_rate", "num_iterations"})


def test_every_default_is_written_out() -> None:
    assert resolve(plain, {}) == {
        "limit": 3,
        "rate": 0.5,
        "name": None,
        "mode": "slow",
        "stop": (),
        "path": None,
        "free": None,
    }


def test_values_are_converted_to_their_types() -> None:
    values = resolve(plain, {"limit": 1e3, "rate": 2, "path": "a/b", "free": {"any": [1]}})
    assert (values["limit"], type(values["limit"])) == (1000, int)
    assert (values["rate"], type(values["rate"])) == (2.0, float)
    assert values["path"] == Path("a/b")
    assert values["free"] == {"any": [1]}


def test_a_class_takes_its_fields_and_factories_make_new_values() -> None:
    first, second = resolve(Built, {"steps": 2}), resolve(Built, {"steps": 2})
    assert first == {"steps": 2, "tags": ["think"], "lora": None}
    assert first["tags"] is not second["tags"]
    assert bind(Built, first)(object()) == 2


def test_a_dataclass_inside_an_option_is_built() -> None:
    assert resolve(Built, {"steps": 1, "lora": {"rank": 8}})["lora"] == Lora(rank=8)


@pytest.mark.parametrize(
    ("component", "options", "said"),
    [
        (plain, {"limt": 1}, ['limt: unknown option; did you mean "limit"?']),
        (
            plain,
            {"zzz": 1},
            ["zzz: unknown option; it takes: limit, rate, name, mode, stop, path, free"],
        ),
        (plain, {"limit": True}, ["limit: must be a number, not yes/no (got true)"]),
        (plain, {"limit": None}, ["limit: must be a whole number (got nothing)"]),
        (plain, {"rate": "x"}, ['rate: must be a number (got "x")']),
        (plain, {"name": 5}, ["name: must be text: put it in quotes (got 5)"]),
        (plain, {"mode": "quick"}, ["mode: must be 'slow' or 'fast' (got \"quick\")"]),
        (plain, {"stop": ["a", 1]}, ["stop.1: must be text: put it in quotes (got 1)"]),
        (Built, {}, ["steps: is required; add steps: …"]),
        (Built, {"steps": 1, "lora": {}}, ["lora.rank: is required; add rank: …"]),
        (Built, {"steps": 1, "lora": 3}, ["lora: must be a mapping of names to values (got 3)"]),
        (
            Built,
            {"steps": "many", "tags": "a", "lora": {"rank": 1, "alpha": []}},
            [
                'steps: must be a whole number (got "many")',
                'tags: must be a list (got "a")',
                "lora.alpha: must be a number (got [])",
            ],
        ),
        (
            handing,
            {"learning_rte": 1},
            ['learning_rte: unknown option; did you mean "learning_rate"?'],
        ),
        (
            handing,
            {"num_iteratons": 1, "steps": "x"},
            [
                'steps: must be a whole number (got "x")',
                'num_iteratons: unknown option; did you mean "num_iterations"?',
            ],
        ),
    ],
)
def test_wrong_options_are_all_named(
    component: Any, options: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(OptionError) as raised:
        resolve(component, options)
    assert str(raised.value).splitlines() == said


def test_a_union_is_explained_once() -> None:
    def either(sample: object, *, at: int | Literal["end"] = 0, to: list[int] | str = "") -> None:
        """Take one or the other."""

    found = dict(mistakes_in(either, {"at": "begin", "to": [1, "b"]}))
    assert found[("at",)].startswith("must be a whole number, or 'end' (got")
    assert found[("to", 1)] == 'must be a whole number (got "b")'
    assert len(found) == 2


def test_an_option_may_be_called_like_a_type_or_a_method() -> None:
    def odd(sample: object, *, json: int = 1, copy: int = 2, list: int = 3, int: str = "") -> None:
        """Use names that pydantic uses as well."""

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve(odd, {"json": 5}) == {"json": 5, "copy": 2, "list": 3, "int": ""}
    assert mistakes_in(odd, {"list": "x"})[0][0] == ("list",)


def test_options_that_are_handed_on_are_kept() -> None:
    assert resolve(handing, {"learning_rate": 1e-5}) == {"steps": 1, "learning_rate": 1e-5}
    assert known_options(handing) == ["steps", "learning_rate", "num_iterations"]


def test_what_the_core_supplies_is_no_option() -> None:
    def answer(model: object, tasks: object, *, samples: int, seed: int, top_k: int = 0) -> None:
        """Answer."""

    supplied = frozenset({"samples", "seed"})
    assert resolve(answer, {}, supplied=supplied) == {"top_k": 0}
    assert mistakes_in(answer, {"seed": 1}, supplied=supplied) == [
        (("seed",), "the pipeline sets it: no option here")
    ]


def test_annotations_that_are_no_types_are_a_mistake_of_the_component() -> None:
    def broken(sample: object, *, limit: Nowhere = 1) -> None:  # noqa: F821
        """Name a type that is not there."""

    for component in (broken, 5):
        with pytest.raises(OptionError, match="can't be read"):
            options_model(component)  # type: ignore[arg-type]


def test_a_parameter_that_begins_with_an_underscore_is_no_option() -> None:
    def private(sample: object, *, limit: int = 1, _cache: int = 1) -> None:
        """Keep something to itself."""

    assert resolve(private, {}) == {"limit": 1}


def test_a_component_that_can_not_be_hashed_has_options_too() -> None:
    @dataclass
    class Reward:
        limit: int = 1

        def __call__(self, sample: object, *, scale: float = 1.0) -> float:
            return self.limit * scale

    assert resolve(Reward(), {"scale": 2}) == {"scale": 2.0}


def test_the_hash_changes_with_a_value_and_not_with_the_order() -> None:
    assert options_hash({"a": 1, "b": 2}) == options_hash({"b": 2, "a": 1})
    assert options_hash({"a": 1}) != options_hash({"a": 2})
    assert len(options_hash({})) == 8
