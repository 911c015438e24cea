"""What `quick_init` makes is what the dataclass would have made: same signature, frozen, equal."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from rlvr_ops_core import Sample, Score, Task, Verdict
from rlvr_ops_core.quick_init import quick_init


@dataclass(frozen=True, slots=True)
class Usual:
    """With a required field, a default and a factory."""

    one: int
    two: str = "2"
    three: dict[str, Any] = field(default_factory=dict)


@quick_init
@dataclass(frozen=True, slots=True)
class Quick:
    """The same, made quickly."""

    one: int
    two: str = "2"
    three: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize("arguments", [(1,), (1, "x"), (1, "x", {"a": 1})])
def test_the_fields_are_those_of_the_dataclass(arguments: tuple[Any, ...]) -> None:
    usual, quick = Usual(*arguments), Quick(*arguments)
    assert (quick.one, quick.two, quick.three) == (usual.one, usual.two, usual.three)
    assert repr(quick) == repr(usual).replace("Usual", "Quick")
    assert quick == Quick(*arguments)


def test_a_factory_makes_a_new_value_each_time() -> None:
    assert Quick(1).three is not Quick(1).three


def test_the_signature_stays() -> None:
    assert str(inspect.signature(Quick)) == str(inspect.signature(Usual))
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'one'"):
        Quick()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'four'"):
        Quick(1, four=4)  # type: ignore[call-arg]


@pytest.mark.parametrize("made", [Task("1", "?"), Score(1.0), Verdict(1.0)])
def test_what_is_made_is_frozen(made: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(made, made.__slots__[0], "other")
    with pytest.raises((AttributeError, TypeError)):
        made.unknown = 1
    assert type(made).__name__ in ("Task", "Score", "Verdict")


def test_copies_pickles_and_replacements_are_equal() -> None:
    sample = Sample(Task("1", "6 * 7?", "42"), "42", "group", 3)
    assert pickle.loads(pickle.dumps(sample)) == sample
    assert copy.deepcopy(sample) == sample
    assert replace(sample, completion="41").task is sample.task
    assert replace(sample, completion="41").completion == "41"


def test_a_class_with_work_to_do_after_init_is_refused() -> None:
    with pytest.raises(TypeError, match="__post_init__"):

        @quick_init
        @dataclass(frozen=True, slots=True)
        class Busy:
            one: int

            def __post_init__(self) -> None:
                raise AssertionError
