"""HTML and SVG elements whose text is escaped unless it is markup already."""

from __future__ import annotations

from html import escape
from typing import TypeAlias


class Markup(str):
    """Text that is HTML: it goes into a page as it is."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | None"

VOID = {"meta", "input", "br", "hr"}


def tag(name: str, /, *children: Child, **attributes: Child | bool) -> Markup:
    """An element. `class_="x"` gives `class="x"`, `data_id` gives `data-id`; None is left out.

    Text is escaped, `Markup` is not. True gives a bare attribute, False and None give none.
    """
    opened = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Markup(f"<{name}{opened}>")
    return Markup(f"<{name}{opened}>{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    """Several pieces of markup or text, one after the other."""
    return Markup("".join(_child(child) for child in children if child is not None))


def _child(child: Child) -> str:
    return child if isinstance(child, Markup) else escape(str(child), quote=False)


def _attribute(key: str, value: Child | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
