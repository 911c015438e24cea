"""The pieces that the page's sections are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rlvr_ops_core.report.markup import Child, Markup, tag
from rlvr_ops_core.report.numbers import NOTHING


def section(title: str, *children: Child, id_: str | None = None) -> Markup:
    """A part of the page with its title."""
    return tag("section", tag("h2", title), *children, id=id_)


def table(head: Sequence[Child], rows: Iterable[Sequence[Child]]) -> Markup:
    """A table whose first column names the row; it scrolls sideways on its own."""
    body = (
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:]))
        for row in rows
    )
    titles = tag("thead", tag("tr", *(tag("th", title, scope="col") for title in head)))
    return tag("div", tag("table", titles, tag("tbody", *body)), class_="wide", tabindex="0")


def facts(known: Iterable[tuple[str, Child]]) -> Markup:
    """Names and values side by side; those without a value are left out."""
    return tag(
        "dl",
        *(
            tag("div", tag("dt", name), tag("dd", value))
            for name, value in known
            if value not in (None, "", NOTHING)
        ),
        class_="facts",
    )


def status(word: str) -> Markup:
    """A status as a small sign."""
    return tag("span", word, class_=f"status {word if word.isalpha() else ''}")
