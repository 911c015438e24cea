"""The web application: every page is made from the database, and needs no script to be read."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from rlvr_monitor.pages.curves import curve, sparkline
from rlvr_monitor.pages.guard import Guard
from rlvr_monitor.pages.text import visible
from rlvr_monitor.store.changes import changes
from rlvr_monitor.store.filling import Filler
from rlvr_monitor.store.labels import LABELS, set_label
from rlvr_monitor.store.query import SORT_NAMES, Filter, read_filter
from rlvr_monitor.store.reading import Alarm, Run, Stage, all_runs, one_run
from rlvr_monitor.store.rows import dumps, key_of_name
from rlvr_monitor.store.schema import Database
from rlvr_ops_core.report.metrics import METRICS, metric
from rlvr_ops_core.report.numbers import duration, moment, number, percent

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 1.0
PAGE = 50
TEXTS_COMPARED = 600
FIRST_CURVES = ("reward", "reward_std", "completion_length", "entropy", "kl", "truncated")
"""Shown at once; the others after a click."""


class Labelling(BaseModel):
    """What a reader says of a rollout."""

    model_config = ConfigDict(extra="forbid")
    label: str = Field(max_length=20)
    note: str = Field(default="", max_length=2_000)


class Site:
    """The database, the thread that fills it, and the templates."""

    def __init__(self, database: Database, root: Path) -> None:
        self.database = database
        self.root = root
        self.local = threading.local()
        self.stop = threading.Event()
        self.templates = _templates()
        self.trouble = ""
        """Why the database is not filled, if it is not."""

    def connection(self) -> sqlite3.Connection:
        """This thread's own connection for reading."""
        if not hasattr(self.local, "connection"):
            self.local.connection = self.database.connect(read_only=True)
        connection: sqlite3.Connection = self.local.connection
        return connection

    def keep_filling(self) -> None:
        """Look at the run folders until `stop` is set."""
        filler = Filler(self.database, self.root)
        try:
            while not self.stop.is_set():
                try:
                    filler.fill(self.stop)
                    self.trouble = ""
                except (sqlite3.Error, OSError) as error:
                    self.trouble = f"the run folders can't be read in: {error}"
                    logger.warning("%s", self.trouble)
                self.stop.wait(SECONDS_BETWEEN_LOOKS)
        finally:
            filler.close()

    def run(self, name: str) -> Run:
        """The run of that name; 404 if there is none."""
        found = one_run(self.connection(), name)
        if found is None:
            raise HTTPException(404, f"there is no run {name[:100]!r}")
        return found

    def page(self, template: str, run: Run | None = None, **values: Any) -> HTMLResponse:
        """A page from its template."""
        text = self.templates.get_template(template).render(
            run=run, site=self, labels=LABELS, **values
        )
        return HTMLResponse(text.encode("utf-8", "replace"))


def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("rlvr_monitor.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "visible": visible,
        "number": lambda value: number(value) if isinstance(value, int | float) else "–",
        "percent": percent,
        "duration": lambda value: duration(value) if isinstance(value, int | float) else "–",
        "moment": moment,
        "gold": gold,
    }
    templates.globals |= {"sort_names": SORT_NAMES, "metric": metric, "sparkline": sparkline}
    return templates


def gold(text: str | None) -> str:
    """The right answer as people read it: a JSON text without its quotes."""
    if text is None:
        return "–"
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def make_app(database: Database, root: Path, *, token: str | None = None) -> FastAPI:
    """The application for the runs below a folder; `database` must be prepared."""
    site = Site(database, root)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        thread = threading.Thread(target=site.keep_filling, name="fill", daemon=True)
        thread.start()
        yield
        site.stop.set()
        thread.join(timeout=10)

    app = FastAPI(lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(Guard(token))
    static = Path(__file__).parent / "static"
    app.mount("/static", StaticFiles(directory=static), name="static")
    _add_runs(app, site)
    _add_rollouts(app, site)
    _add_labels(app, site)
    _add_errors(app, site)
    return app


def _add_errors(app: FastAPI, site: Site) -> None:
    @app.exception_handler(StarletteHTTPException)
    async def say(request: Request, error: StarletteHTTPException) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"detail": error.detail}, error.status_code)
        page = site.page("error.html", message=error.detail)
        page.status_code = error.status_code
        return page


def _add_runs(app: FastAPI, site: Site) -> None:
    @app.get("/")
    def runs() -> HTMLResponse:
        found = all_runs(site.connection())
        if site.root == Path(found[0].path) if len(found) == 1 else False:
            return site.page("run.html", found[0], **_run_values(found[0]))
        rewards = {run.id: _rewards(run) for run in found}
        return site.page("runs.html", runs=found, rewards=rewards)

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status_code=204)

    @app.get("/version")
    def version() -> JSONResponse:
        rows = site.connection().execute("SELECT name, changes FROM runs").fetchall()
        return JSONResponse({row["name"]: row["changes"] for row in rows})

    @app.get("/runs/{name}")
    def run(name: str) -> HTMLResponse:
        found = site.run(name)
        return site.page("run.html", found, **_run_values(found))

    @app.get("/runs/{name}/alarms/{number}")
    def alarm(name: str, number: int) -> HTMLResponse:
        found = site.run(name)
        one = next((alarm for alarm in found.alarms if alarm.id == number), None)
        if one is None:
            raise HTTPException(404, "there is no such alarm any more: the run may have gone back")
        named = found.of_alarm(number)
        return site.page("alarm.html", found, alarm=one, named=named, step=_step_of(one, named))

    @app.get("/runs/{name}/changes")
    def changed(name: str, request: Request) -> HTMLResponse:
        found = site.run(name)
        return site.page("changes.html", found, **_changes(found, request.query_params))


def _step_of(alarm: Alarm, named: list[Any]) -> int | None:
    return named[0].step if named else alarm.step


def _rewards(run: Run) -> list[float]:
    """The mean reward over the steps of the last train stage that has any."""
    for stage in reversed(run.stages):
        if stage.verb == "train" and stage.id in run.counts:
            return [row["mean"] for row in run.steps(stage) if row["mean"] is not None]
    return []


def _run_values(run: Run) -> dict[str, Any]:
    curves = {stage.id: _curves(run, stage) for stage in run.stages if stage.verb == "train"}
    return {"curves": curves}


def _curves(run: Run, stage: Stage) -> list[tuple[str, Any, float, bool]]:
    """Each series of a stage: its name, its drawing, its last value, and whether it comes first."""
    alarms = [one for one in run.alarms if one.stage == stage.name]
    series = run.series(stage)
    order = {name: place for place, name in enumerate((*FIRST_CURVES, *METRICS))}
    names = sorted(series, key=lambda name: (order.get(name.split("/")[0], 99), name))

    def step_link(step: int) -> str:
        query = Filter(stage=stage.name, step_from=step, step_to=step).query()
        return f"/runs/{run.name}/rollouts?{query}"

    link = step_link if stage.id in run.counts else None

    def alarm_link(alarm: Alarm) -> str:
        return f"/runs/{run.name}/alarms/{alarm.id}"

    return [
        (
            name,
            curve(series[name], alarms=alarms, step_link=link, alarm_link=alarm_link),
            series[name].values[-1],
            name.split("/")[0] in FIRST_CURVES or not any(f in series for f in FIRST_CURVES),
        )
        for name in names
        if series[name].values
    ]


def _add_rollouts(app: FastAPI, site: Site) -> None:
    @app.get("/runs/{name}/rollouts")
    def rollouts(name: str, request: Request) -> HTMLResponse:
        run = site.run(name)
        wanted = read_filter(request.query_params)
        return site.page(
            "rollouts.html",
            run,
            wanted=wanted,
            found=run.find(wanted, most=PAGE),
            groups=_groups_of(run, wanted),
            steps=_steps_around(run, wanted),
            size=PAGE,
        )

    @app.get("/runs/{name}/rollouts/{key}")
    def rollout(name: str, key: str) -> HTMLResponse:
        run = site.run(name)
        number = key_of_name(key)
        one = run.rollout(number) if number is not None else None
        if one is None:
            raise HTTPException(404, "there is no such rollout: the run may have gone back")
        return site.page(
            "rollout.html",
            run,
            one=one,
            rest=json.loads(one.rest),
            siblings=run.group(one.group_id),
            alarms=run.alarms_of(one),
        )

    @app.get("/runs/{name}/groups/{number}")
    def group(name: str, number: int) -> HTMLResponse:
        run = site.run(name)
        row = run.group_row(number)
        if row is None:
            raise HTTPException(404, "there is no such group: the run may have gone back")
        before, after = run.neighbours(row)
        return site.page(
            "group.html",
            run,
            group=row,
            answers=[(one, json.loads(one.rest)) for one in run.group(number)],
            before=before,
            after=after,
            stage=next((stage for stage in run.stages if stage.id == row["stage"]), None),
            same=run.same_prompt(row["prompt"]),
        )

    @app.get("/runs/{name}/export.jsonl")
    def export(name: str, request: Request) -> Response:
        run = site.run(name)
        wanted = read_filter(request.query_params)
        file = re.sub("[^A-Za-z0-9_-]", "-", run.name)
        return StreamingResponse(
            _lines(site, run.name, wanted),
            media_type="application/x-ndjson",
            headers={"Content-Disposition": f'attachment; filename="{file}.jsonl"'},
        )


def _lines(site: Site, name: str, wanted: Filter) -> Iterator[bytes]:
    """The lines of an export, on a connection of their own: threads change in between."""
    connection = site.database.connect(read_only=True)
    try:
        run = one_run(connection, name)
        for line in run.export(wanted) if run else ():
            yield (dumps(line) + "\n").encode()
    finally:
        connection.close()


def _groups_of(run: Run, wanted: Filter) -> list[sqlite3.Row]:
    """The groups of the one step that is looked at; [] if it is not one."""
    stage = next((stage for stage in run.stages if stage.name == wanted.stage), None)
    if stage is None or wanted.step_from is None or wanted.step_from != wanted.step_to:
        return []
    return run.groups_of_step(stage.id, wanted.step_from)


def _steps_around(run: Run, wanted: Filter) -> list[tuple[Stage, list[sqlite3.Row]]]:
    """The steps to choose from: of the stage that is looked at, or of all."""
    return [
        (stage, run.steps(stage))
        for stage in run.stages
        if stage.verb == "train" and stage.id in run.counts
        if wanted.stage in ("", stage.name)
    ]


def _changes(run: Run, query: Mapping[str, str]) -> dict[str, Any]:
    """Two windows of steps of a stage: as asked for, or its first and its last fifth."""
    stages = [one for one in run.stages if one.verb == "train" and one.id in run.counts]
    stage = next((one for one in stages if one.name == query.get("stage")), None)
    stage = stage or (stages[-1] if stages else None)
    if stage is None:
        return {"stage": None, "stages": stages, "windows": [], "found": []}
    steps = [row["step"] for row in run.steps(stage)] or [0]
    fifth = max(1, len(steps) // 5)
    asked = read_filter({"step_from": query.get("from", ""), "step_to": query.get("to", "")})
    late = (asked.step_from or steps[-fifth], asked.step_to or steps[-1])
    windows = [(steps[0], steps[fifth - 1]), late]
    texts = [_texts_of(run, stage, *window) for window in windows]
    return {"stage": stage, "stages": stages, "windows": windows, "found": changes(*texts)}


def _texts_of(run: Run, stage: Stage, first: int, last: int) -> list[str]:
    """Completions of a window, evenly chosen."""
    numbers = [
        row[0]
        for row in run.connection.execute(
            "SELECT id FROM rollouts WHERE stage = ? AND step BETWEEN ? AND ?",
            (stage.id, first, last),
        )
    ]
    chosen = numbers[:: max(1, len(numbers) // TEXTS_COMPARED)][:TEXTS_COMPARED]
    marks = ", ".join("?" * len(chosen))
    rows = run.connection.execute(
        f"SELECT substr(completion, 1, 4000) FROM texts WHERE id IN ({marks})", chosen
    )
    return [row[0] for row in rows]


def _add_labels(app: FastAPI, site: Site) -> None:
    @app.post("/runs/{name}/rollouts/{key}/label")
    def label(name: str, key: str, given: Labelling) -> JSONResponse:
        run = site.run(name)
        number = key_of_name(key)
        if number is None or run.rollout(number) is None:
            raise HTTPException(404, "there is no such rollout")
        connection = site.database.connect()
        try:
            set_label(connection, run.name, number, label=given.label, note=given.note)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        finally:
            connection.close()
        return JSONResponse({"label": given.label, "note": given.note})
