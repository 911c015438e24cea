"""A serve stage: serve a model until Ctrl-C."""

from __future__ import annotations

import threading

from rlvr_ops_core.plan import PlannedStage
from rlvr_ops_core.stages.context import RunContext


def serve(context: RunContext, stage: PlannedStage) -> None:
    """Serve the stage's model; ends with Ctrl-C, which is the way to end it and no failure."""
    (model,) = stage.models
    with stage.bound.make()(context.model_path(model)) as url:
        try:
            context.events.emit("serving", stage=stage.name, model=model, url=url)
            threading.Event().wait()
        except KeyboardInterrupt:
            context.events.emit("served", stage=stage.name, model=model, url=url)
