"""Find every mistake of a pipeline file at once, and turn a sound one into a plan.

Nothing heavy is imported: plugins are, but a plugin imports torch only when it runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rlvr_ops_core.check.audits import check_audits
from rlvr_ops_core.check.reading import Reading
from rlvr_ops_core.check.rewards import check_references, read_reward
from rlvr_ops_core.check.stages import read_stages
from rlvr_ops_core.errors import PipelineError
from rlvr_ops_core.plan import Plan
from rlvr_ops_core.schema import PipelineFile
from rlvr_ops_core.settings import apply_settings
from rlvr_ops_core.source import read_document

__all__ = ["check_pipeline"]


def check_pipeline(file: Path, *, settings: Sequence[str] = ()) -> Plan:
    """The plan of a pipeline file, with `--set` settings applied.

    Raises:
        PipelineError: the file has mistakes; all of them, each with its line.
    """
    document = read_document(file)
    reading = Reading(document, file)
    if not isinstance(document.value, Mapping):
        what = "a pipeline must be a mapping, with name: and stages: at its left edge"
        raise PipelineError([document.mistake((), what)])
    reading.mistakes += apply_settings(document, settings)
    return _plan(reading)


def _plan(reading: Reading) -> Plan:
    pipeline = reading.validate(PipelineFile, reading.content, (), word="key")
    reading.load_plugins()
    data = {
        name: reading.use(entry, ("data", name), "data source")
        for name, entry in reading.section("data").items()
    }
    rewards = {
        name: read_reward(reading, name, entry)
        for name, entry in reading.section("rewards").items()
    }
    check_references(reading, rewards)
    monitors = {
        name: reading.use(entry, ("monitors", name), "monitor")
        for name, entry in reading.section("monitors").items()
    }
    stages = read_stages(reading)
    if pipeline is not None and pipeline.require_audit is not None:
        check_audits(reading, pipeline.require_audit, rewards, stages)
    if reading.mistakes or pipeline is None:
        raise PipelineError(sorted(reading.mistakes, key=lambda mistake: mistake.line))
    return Plan(
        name=pipeline.name,
        seed=pipeline.seed,
        model=reading.path_or_name(pipeline.model),
        error_budget=pipeline.error_budget,
        file=reading.file,
        data={name: bound for name, bound in data.items() if bound},
        rewards=rewards,
        monitors={name: bound for name, bound in monitors.items() if bound},
        stages=tuple(stages),
        plugins=reading.plugins,
        resolved=reading.content,
    )
