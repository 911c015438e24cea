"""`launch:` of a pipeline or a train stage: the processes to train in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rlvr_ops_core.check.reading import Reading
from rlvr_ops_core.errors import Place, did_you_mean, printable, quoted
from rlvr_ops_core.job import LAUNCHES_ATTRIBUTE, Launch
from rlvr_ops_core.plugins import Component
from rlvr_ops_core.schema import LAUNCH_OF_ENGINE


def launch_of_pipeline(reading: Reading) -> Callable[[Component], Launch | None]:
    """The pipeline's own `launch:`, for each trainer whose engine it names."""
    written = reading.content.get("launch")
    launch = None if written is None else parse_launch(reading, written, ("launch",))

    def for_trainer(trainer: Component) -> Launch | None:
        return launch if launch is not None and launch.engine in engines_of(trainer) else None

    return for_trainer


def launch_of_stage(
    reading: Reading, entry: Mapping[str, Any], trainer: Component, place: Place
) -> Launch | None:
    """A train stage's own `launch:`; None, with mistakes noted, where it is wrong."""
    if entry.get("launch") is None:
        return None
    here = (*place, "launch")
    launch = parse_launch(reading, entry["launch"], here)
    if launch is not None and launch.engine not in engines_of(trainer):
        known = ", ".join(engines_of(trainer))
        hint = f"it can by: {known}" if known else "remove it: this trainer runs in one process"
        what = f"{printable(trainer.name)} can't be launched by {launch.engine}"
        reading.note(here, what, hint)
    if entry.get("environment") is not None:
        hint = "remove launch: or environment: from this stage"
        reading.note(here, "an environment is played in one process", hint)
    return launch


def engines_of(trainer: Component) -> tuple[str, ...]:
    """The engines that can start a trainer's processes."""
    engines: tuple[str, ...] = getattr(trainer.call, LAUNCHES_ATTRIBUTE, ())
    return engines


def parse_launch(reading: Reading, value: Any, place: Place) -> Launch | None:
    """A `launch:` as written; None, with mistakes noted, if it can't be read."""
    engine = value.get("engine") if isinstance(value, Mapping) else None
    model = LAUNCH_OF_ENGINE.get(engine) if isinstance(engine, str) else None
    if model is None:
        known = list(LAUNCH_OF_ENGINE)
        hint = f"one of: {', '.join(known)}; launch: {{engine: torchrun, processes: 2}}"
        if isinstance(engine, str):
            hint = did_you_mean(engine, known) or hint
            reading.note((*place, "engine"), f"unknown engine {quoted(engine)}", hint)
        else:
            reading.note(place, "names no engine", hint)
        return None
    read = reading.validate(model, value, place)
    if read is None:
        return None
    fields = read.model_dump()
    processes = fields.pop("workers", None) or fields.pop("processes")
    config = fields.get("accelerate_config")
    if config:
        found = reading.beside(config)
        if found is None:
            reading.note((*place, "accelerate_config"), f"there is no file {quoted(config)}")
            return None
        fields["accelerate_config"] = str(found.resolve())
    return Launch(processes=processes, **fields)
