"""`--set stages.1.steps=5`: write a value into a pipeline before it is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rlvr_ops_core.errors import Mistake, PipelineError, Place, did_you_mean, quoted
from rlvr_ops_core.explain import shorten
from rlvr_ops_core.source import Document, in_setting, parse_document


def apply_settings(document: Document, settings: Sequence[str]) -> list[Mistake]:
    """Write each `PATH=VALUE` into the document, and give what was wrong with the others.

    A stage is named by its number, counted from 0, or by its name: `stages.policy.steps=5`.
    """
    mistakes: list[Mistake] = []
    for setting in settings:
        try:
            _apply(document, setting)
        except PipelineError as error:
            mistakes += [replace(mistake, line=0) for mistake in error.mistakes]
        except (LookupError, TypeError) as error:
            mistakes.append(Mistake(in_setting(setting), 0, "", str(error.args[0])))
    return mistakes


def _apply(document: Document, setting: str) -> None:
    path, equals, text = setting.partition("=")
    parts = path.strip().split(".")
    if not equals or not all(parts):
        raise TypeError("is not of the form PATH=VALUE, such as stages.1.steps=5")
    value = parse_document(text, in_setting(setting)).value if text.strip() else None
    place = _write(document.value, parts, value)
    for known in [*document.lines, *document.settings]:
        if known[: len(place)] == place:  # what was here is gone, and its lines with it
            document.lines.pop(known, None)
            document.settings.pop(known, None)
    document.settings[place] = setting


def _write(root: Any, parts: Sequence[str], value: Any) -> Place:
    place: list[str | int] = []
    holder = root
    for part in parts[:-1]:
        key = _key(holder, part, parts)
        if isinstance(holder, dict) and holder.get(key) is None:
            holder[key] = {}
        holder = holder[key]
        place.append(key)
    key = _key(holder, parts[-1], parts)
    holder[key] = value
    return (*place, key)


def _key(holder: Any, part: str, parts: Sequence[str]) -> str | int:
    if isinstance(holder, dict):
        return part
    if not isinstance(holder, list):
        raise TypeError(f"{quoted(part)} can't be set inside {shorten(holder)}")
    if part.isdecimal() and len(part) < 6 and int(part) < len(holder):
        return int(part)
    names = [stage_name(item) for item in holder] if parts[0] == "stages" else []
    if part in names:
        return names.index(part)
    known = [name for name in names if name]
    named = f": {', '.join(known)}" if known else ""
    hint = did_you_mean(part, known) or f"the list has {len(holder)}, counted from 0{named}"
    raise LookupError(f"there is no {quoted(part)}; {hint}")


def stage_name(item: Any) -> str:
    """The name of a stage as it is written, valid or not; "" if it has none."""
    if not isinstance(item, Mapping):
        return ""
    verb = next((verb for verb in ("evaluate", "serve") if verb in item), "")
    return str(item.get("train") or item.get("name") or verb)
