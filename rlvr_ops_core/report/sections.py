"""The parts of the page around the evaluations: what ran, the curves, the failures, the machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rlvr_ops_core.report.charts import curve
from rlvr_ops_core.report.costs import is_account
from rlvr_ops_core.report.layout import facts, section, status, table
from rlvr_ops_core.report.markup import Child, Markup, join, tag
from rlvr_ops_core.report.metrics import metric
from rlvr_ops_core.report.numbers import NOTHING, duration, moment, number
from rlvr_ops_core.report.view import StageView, View, headlines, split_packages

MAX_REASONS_SHOWN = 20
MAX_ALARMS_SHOWN = 50


def header(view: View) -> Markup:
    """What ran, how it ended, and what came of it."""
    about, packages = view.run.about, view.run.environment.get("packages") or {}
    known = [
        ("Model", about.get("model")),
        ("Seed", about.get("seed")),
        ("Started", moment(about.get("started"))),
        ("Took", duration(view.seconds)),
        ("RLVR-Ops", packages.get("rlvr-ops")),
    ]
    return tag(
        "header",
        tag("p", "RLVR-Ops run report", class_="kicker"),
        tag("h1", view.run.name, " ", status(view.run.status)),
        facts(known),
        tag("p", about["reason"], class_="trouble") if about.get("reason") else None,
        *(
            tag("p", sentence, class_="headline clear" if clear else "headline")
            for one in view.evaluations
            for sentence, clear in headlines(one.stage.result)
        ),
    )


def stages(view: View) -> Markup:
    """One line a stage."""
    rows = [
        (
            one.stage.name,
            join(one.stage.verb, " ", tag("code", one.stage.use) if one.stage.use else None),
            status(one.stage.status),
            duration(one.stage.seconds),
            number(one.answers.total) if one.answers.total else NOTHING,
            number(one.answers.labels["none"]) if one.answers.total else NOTHING,
        )
        for one in view.stages
    ]
    if not rows:
        return section("Stages", tag("p", "No stage yet.", class_="empty"))
    head = ("Stage", "What", "Status", "Time", "Answers judged", "Without a verdict")
    return section("Stages", table(head, rows))


def curves(one: StageView, data: dict[str, Any]) -> Markup:
    """A small drawing for each number that a stage logged; `data` takes what the script needs."""
    figures = []
    for series in one.series:
        if is_account(series.name):
            continue
        shown = metric(series.name)
        title = [tag("b", shown.label), tag("span", shown.unit, class_="unit")]
        if not series.values:
            figures.append(tag("figure", tag("figcaption", *title), _not_finite(series.not_finite)))
            continue
        key = f"{one.stage.path.name}/{series.name}"
        drawing, data[key] = curve(series)
        readout = tag("output", f"last {number(series.values[-1])}", class_="readout")
        note = tag("p", shown.note, class_="note") if shown.note else None
        figures.append(
            tag(
                "figure",
                tag("figcaption", *title, readout),
                drawing,
                note,
                _not_finite(series.not_finite) if series.not_finite else None,
                data_curve=key,
            )
        )
    return section(
        f"Training: {one.stage.name}",
        tag("p", "Dots and thin line: logged values. Thick line: moving average.", class_="note"),
        tag("div", *figures, class_="curves"),
    )


def _not_finite(count: int) -> Markup:
    return tag("p", f"Not finite (NaN, infinite or null): {count}", class_="trouble")


def failures(view: View) -> Markup | None:
    """Why answers got no verdict, most frequent first; None if all got one."""
    rows: list[Sequence[Child]] = []
    for one in view.stages:
        reasons = one.answers.failures.most_common(MAX_REASONS_SHOWN)
        rows += [(one.stage.name, status, number(n), reason) for (status, reason), n in reasons]
        left = len(one.answers.failures) - len(reasons)
        if left > 0:
            rows.append((one.stage.name, NOTHING, NOTHING, f"{left} more reasons"))
        if one.answers.unreadable:
            what = "lines of the answers' file are no JSON objects; left out"
            rows.append((one.stage.name, "unreadable", number(one.answers.unreadable), what))
    if not rows:
        return None
    shown = table(("Stage", "Status", "Count", "Reason"), rows)
    return section("Answers without a verdict", tag("div", shown, class_="failures"))


def alarms(view: View) -> Markup | None:
    """What the monitors found, oldest first; None if they found nothing."""
    rows: list[Sequence[Child]] = []
    for event in view.run.alarms[:MAX_ALARMS_SHOWN]:
        found = event["data"]
        rows.append(
            (
                str(found.get("detector")),
                status(str(found.get("severity"))),
                str(event.get("stage") or NOTHING),
                number(event.get("step")),
                str(found.get("message")),
                str(found.get("hint") or NOTHING),
            )
        )
    left = len(view.run.alarms) - len(rows)
    if left > 0:
        rows.append((NOTHING, NOTHING, NOTHING, NOTHING, f"{left} more alarms", NOTHING))
    if not rows:
        return None
    head = ("Detector", "Severity", "Stage", "Step", "What", "What to do")
    return section("Alarms", table(head, rows))


def machine(view: View) -> Markup:
    """Where it ran, with which versions, and how to run it again."""
    environment = view.run.environment
    packages, others = split_packages(environment)
    memory = environment.get("memory_gib")
    gpus = environment.get("gpus") or []
    known = [
        ("CPU", environment.get("cpu")),
        ("Cores", environment.get("cores")),
        ("Memory", f"{number(memory)} GiB" if memory else None),
        ("GPU", ", ".join(map(str, gpus)) if gpus else "none" if environment else None),
        ("Platform", environment.get("platform")),
        ("Python", environment.get("python")),
        *packages.items(),
        *((f"plugin {name}", what) for name, what in (environment.get("plugins") or {}).items()),
    ]
    pipeline = tag(
        "details",
        tag("summary", "The pipeline as it ran"),
        tag("pre", view.run.pipeline, tabindex="0"),
    )
    return section(
        "Machine and pipeline",
        facts(known),
        tag("p", "Run it again: ", tag("code", view.command)),
        pipeline if view.run.pipeline else None,
        tag("details", tag("summary", f"{len(others)} more packages"), facts(others.items()))
        if others
        else None,
    )
