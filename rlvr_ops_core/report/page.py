"""The report as one HTML page that loads nothing, from nowhere.

Its style and script are named by their hash in a Content-Security-Policy; what models wrote travels
as JSON data, and the script puts it on the page as text only.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

from rlvr_ops_core.report.costs import costs
from rlvr_ops_core.report.estimates import estimates
from rlvr_ops_core.report.evaluation import evaluation
from rlvr_ops_core.report.layout import section
from rlvr_ops_core.report.markup import Markup, join, tag
from rlvr_ops_core.report.sections import alarms, curves, failures, header, machine, stages
from rlvr_ops_core.report.view import View


def page(view: View) -> str:
    """The whole page as HTML."""
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    data: dict[str, Any] = {}
    body = join(
        header(view),
        stages(view),
        alarms(view),
        *(evaluation(one) for one in view.evaluations),
        *(curves(one, data) for one in view.stages if one.series),
        *(costs(one) for one in view.stages),
        estimates(view),
        failures(view),
        _answers(view),
        machine(view),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{view.run.name} – RLVR-Ops report"),
        tag("style", Markup(style)),
    )
    scripts = join(_json("curves", data), _answer_data(view), tag("script", Markup(script)))
    html = tag("html", head, tag("body", tag("main", body), scripts), lang="en")
    return f"<!doctype html>\n{html}\n"


def _answers(view: View) -> Markup:
    """The filters and the empty list that the script fills."""
    having = [(place, one) for place, one in enumerate(view.stages) if one.answers.rows]
    if not having:
        return section("Answers", tag("p", "No judged answers yet.", class_="empty"))
    options = [
        tag("option", one.stage.name, value=f"answers-{place}") for place, one in reversed(having)
    ]
    shell = _asset("answers.html").replace("<!-- stages -->", "".join(options))
    return section("Answers", Markup(shell), id_="answers")


def _answer_data(view: View) -> Markup:
    return join(
        *(
            _json(
                f"answers-{place}",
                {
                    "total": one.answers.total,
                    "judged_by": one.answers.judged_by,
                    "models": one.answers.models,
                    "tasks": one.answers.tasks,
                    "rows": one.answers.rows,
                },
            )
            for place, one in enumerate(view.stages)
            if one.answers.rows
        )
    )


def _asset(name: str) -> str:
    return files("rlvr_ops_core.report").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _json(name: str, value: object) -> Markup:
    """A block of data. Without `<` in it nothing can close the block; ASCII survives any reader."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return tag("script", Markup(text), type="application/json", id=name)
