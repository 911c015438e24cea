"""Which models a stage can name: the pipeline's own, what earlier stages made, and from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlvr_ops_core.check.reading import Reading
from rlvr_ops_core.errors import Place, did_you_mean, printable, quoted
from rlvr_ops_core.plan import BASE


class Models:
    """The models that are there while the stages are read one after the other."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.maker_of: dict[str, str] = {}
        """Model to the plugin of the trainer that makes it; unsound stages count as well."""

    def add(self, stage: Any) -> None:
        """Take in the model that a stage makes, if it makes one."""
        name = _made_by(stage)
        if name:
            self.maker_of[name] = str(stage.get("use")).partition("/")[0]

    def check(self, name: str, place: Place) -> None:
        """Note a model that is not there at this stage."""
        has_base = bool(self.reading.content.get("model"))
        known = [*([BASE] if has_base else []), *self.maker_of]
        if name in known or self._is_outside(name):
            return
        what = f"unknown model {quoted(name)}"
        if name in self._made_later(place):
            what, hint = f"the model {quoted(name)} is made only later", "move this stage down"
            if name == _made_by(self.reading.content["stages"][place[1]]):
                what, hint = f"starts from {quoted(name)}, which it makes itself", "name another"
        elif name == BASE:
            hint = "the pipeline names no model to start from: add model: … at the top"
        else:
            there = f"there is: {', '.join(map(printable, known))}" if known else "none is made yet"
            hint = did_you_mean(name, known) or there
            hint += "\none from outside is written owner/name (on the hub) or ./path"
        self.reading.note(place, what, hint)

    def locate(self, name: str) -> str:
        """A model as the plan has it: a name of this pipeline stays, a path is made absolute."""
        is_ours = name == BASE or name in self.maker_of
        return name if is_ours else self.reading.path_or_name(name)

    def only_sampler(self, models: Sequence[str], place: Place) -> str | None:
        """The sampler that need not be named: the trainer's plugin has one, or one is all."""
        installed = list(self.reading.plugins.components("sampler"))
        makers = {self.maker_of.get(name) for name in models} - {None}
        of_maker = [name for name in installed if name.partition("/")[0] in makers]
        for candidates in (of_maker, installed):
            if len(candidates) == 1:
                return candidates[0]
        if installed:
            hint = f"say which: use: {' or '.join(installed)}"
            self.reading.note(place, "more than one sampler is installed", hint)
        else:
            hint = "one comes with: pip install rlvr-trainer-grpo"
            self.reading.note(place, "no sampler is installed, so no model can answer", hint)
        return None

    def _made_later(self, place: Place) -> set[str]:
        stages = self.reading.content["stages"]
        return {_made_by(stage) for stage in stages[place[1] :]}

    def _is_outside(self, name: str) -> bool:
        """A hub id (`owner/name`), a path or a file: nothing that a stage could have made."""
        is_written_so = "/" in name or ":" in name or name.endswith(".gguf")
        return is_written_so or self.reading.beside(name) is not None


def _made_by(stage: Any) -> str:
    name = stage.get("train") if isinstance(stage, Mapping) else None
    return name if isinstance(name, str) else ""
