"""A component's options: its keyword-only parameters, as a pydantic model that forbids extras."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import warnings
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any, get_args

from rlvr_ops_core.errors import OptionError, Place, cut
from rlvr_ops_core.explain import explain, unknown_option

if TYPE_CHECKING:
    from pydantic import BaseModel

SUPPLIED_BY_THE_CORE = frozenset({"samples", "seed", "environment"})
"""Keyword-only parameters of a sampler that the core passes itself."""

UNREADABLE = (NameError, TypeError, ValueError, AttributeError, SyntaxError, ImportError)
"""What reading a signature raises if an annotation is no type, or names what is not there."""

PASS_THROUGH_ATTRIBUTE = "__rlvr_pass_through__"
"""On a component that takes `**options` and hands them on: a callable without arguments that gives
the names it hands on, so that a misspelt one is still found before anything heavy is imported."""


def options_model(
    component: Callable[..., Any], supplied: frozenset[str] = frozenset()
) -> type[BaseModel]:
    """The options of a component, read off its keyword-only parameters.

    `supplied` names parameters that the core itself passes (a sampler's `samples` and `seed`).

    A parameter `**options: Any` lets options through unread, for components that hand them on.

    Raises:
        OptionError: a parameter's annotation can't be read or is no type.
    """
    if component.__hash__ is None:  # an object of a class that compares by value
        return _make_model(component, supplied)
    return _cached_model(component, supplied)


def _make_model(component: Callable[..., Any], supplied: frozenset[str]) -> type[BaseModel]:
    from pydantic import ConfigDict, create_model
    from pydantic.errors import PydanticUserError

    name = getattr(component, "__name__", type(component).__name__)
    try:
        parameters = inspect.signature(component, eval_str=True).parameters.values()
        fields: dict[str, Any] = {
            parameter.name: (_annotation(parameter), _default(component, parameter))
            for parameter in parameters
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in supplied
        }
        passes_on = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        config = ConfigDict(
            extra="allow" if passes_on else "forbid",
            arbitrary_types_allowed=True,
            protected_namespaces=(),
        )
        with warnings.catch_warnings():  # an option may well be called "json" or "copy"
            warnings.filterwarnings("ignore", "Field name .* shadows an attribute", UserWarning)
            return create_model(name, __config__=config, **fields)
    except (*UNREADABLE, PydanticUserError) as error:
        raise OptionError(
            f"the options of {name!r} can't be read: {cut(str(error), limit=200)}",
            hint="annotate each keyword-only parameter with a type that can be imported",
        ) from error


_cached_model = cache(_make_model)


def _annotation(parameter: inspect.Parameter) -> Any:
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return Any
    numbers = {annotation, *get_args(annotation)} & {int, float}
    if numbers and bool not in get_args(annotation):
        from pydantic import BeforeValidator

        return Annotated[annotation, BeforeValidator(refuse_bool)]
    return annotation


def refuse_bool(value: object) -> object:
    """A validator for numbers: YAML reads `yes` and `no` as booleans, pydantic those as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not yes/no")  # noqa: TRY004  # pydantic wants this type
    return value


def _default(component: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    from pydantic import Field

    if parameter.default is parameter.empty:
        return ...
    if dataclasses.is_dataclass(component):
        # A dataclass shows a factory as a marker in its signature: take the factory itself.
        for field in dataclasses.fields(component):
            if field.name == parameter.name and field.default_factory is not dataclasses.MISSING:
                return Field(default_factory=field.default_factory)
    return parameter.default


def resolve(
    component: Callable[..., Any],
    options: Mapping[str, Any],
    *,
    supplied: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Every option of a component with its value: given, converted, or the default.

    Raises:
        OptionError: an option is unknown, missing or of the wrong type; all of them are named.
    """
    mistakes = mistakes_in(component, options, supplied=supplied)
    if mistakes:
        lines = [f"{'.'.join(map(str, place))}: {what}" for place, what in mistakes]
        raise OptionError("\n".join(lines))
    model = options_model(component, supplied)(**options)
    values = {name: vars(model)[name] for name in type(model).model_fields}
    return values | (model.model_extra or {})


def mistakes_in(
    component: Callable[..., Any],
    options: Mapping[str, Any],
    *,
    supplied: frozenset[str] = frozenset(),
) -> list[tuple[Place, str]]:
    """What is wrong with the options of a component, as (place, what); empty if nothing.

    Raises:
        OptionError: the component's signature can't be read.
    """
    from pydantic import ValidationError

    known = known_options(component, supplied=supplied)
    mistakes = []
    try:
        options_model(component, supplied)(**options)
    except ValidationError as error:
        mistakes = explain(error, known, options)
    if hasattr(component, PASS_THROUGH_ATTRIBUTE):
        unknown = [name for name in options if name not in known]
        mistakes += [((name,), unknown_option(name, known)) for name in unknown]
    own = "the pipeline sets it: no option here"
    return [(place, own if supplied & {*place[:1]} else what) for place, what in mistakes]


def known_options(
    component: Callable[..., Any], *, supplied: frozenset[str] = frozenset()
) -> list[str]:
    """The names of all options: a component's own, then those it hands on."""
    handed_on: frozenset[str] = getattr(component, PASS_THROUGH_ATTRIBUTE, frozenset)()
    own = list(options_model(component, supplied).model_fields)
    return [*own, *sorted(handed_on - set(own))]


def bind(component: Callable[..., Any], options: Mapping[str, Any]) -> Callable[..., Any]:
    """The component with its options set, ready to be called; `options` come from `resolve`.

    A class whose objects are called is made here; another (an environment, say) is itself called.
    What a function would take by itself is left to it: passing options costs at every call.
    """
    if isinstance(component, type) and has_callable_objects(component):
        made: Callable[..., Any] = component(**options)
        return made
    own = getattr(component, "__kwdefaults__", None) or {}
    given = {name: one for name, one in options.items() if name not in own or one is not own[name]}
    return partial(component, **given) if given else component


def has_callable_objects(component: type) -> bool:
    """Whether the objects of a class can be called."""
    return any("__call__" in vars(base) for base in component.__mro__)


def options_hash(options: Mapping[str, Any]) -> str:
    """Eight hex digits that change when an option does; the order of the options does not count."""
    canonical = json.dumps(options, sort_keys=True, default=repr, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]
