"""A few lines of Python that show a finding without this kit."""

from __future__ import annotations

from typing import Any

from rlvr_audit.bench import Ask, Bench
from rlvr_audit.target import ALONE

LONGEST = 2_000
OURS = """\
from rlvr_ops_core import Sample, Task
from rlvr_ops_core.plugins import Plugins
from rlvr_ops_core.scoring import Engine, bind_component

component = Plugins.discover({files}).find("reward", {reference!r})
task = Task("1", {prompt!r}, {gold!r}, {data!r})
with Engine(bind_component(component, {options!r})) as engine:
    print(engine.score([Sample(task, {completion!r}, group="1")]))
"""
OUR_FUNCTION = """\
{load}
from rlvr_ops_core import Sample, Task

sample = Sample(Task("1", {prompt!r}, {gold!r}, {data!r}), {completion!r}, group="1")
print({name}({judged}{options}))
"""
FOREIGN = """\
{load}

print({name}({arguments}))
"""
LOAD_FILE = """\
import runpy

{name} = runpy.run_path({file!r})[{name!r}]"""


def reproduction(bench: Bench, ask: Ask) -> str:
    """The lines; "" where the answer is too long, or no text."""
    target, row = bench.target, bench.row(ask)
    if not isinstance(ask.completion, str) or len(ask.completion) > LONGEST:
        return ""
    values = {name: row[name] for name in ("prompt", "gold", "data", "completion")}
    if target.is_component:
        files = ", ".join(repr(file) for file in target.plugin_files)
        given = f"files=[{files}]" if files else ""
        return OURS.format(
            files=given, reference=target.reference, options=dict(target.options), **values
        )
    place, _, name = target.reference.rpartition(":")
    root = name.partition(".")[0]
    module = bench.info["module"]
    is_alone = module.startswith(ALONE) and not place.endswith(".py")
    file = bench.info["file"] if is_alone else place
    load = f"from {place} import {root}"
    if file.endswith(".py"):
        load = LOAD_FILE.format(name=root, file=file)
    options = "".join(f", {key}={value!r}" for key, value in target.options.items())
    shape = bench.info["shape"]
    if bench.info["ours"]:
        judged = "sample" if shape == "sample" else "[sample]"
        return OUR_FUNCTION.format(load=load, name=name, judged=judged, options=options, **values)
    arguments = _arguments(bench, shape, row) + options
    return FOREIGN.format(load=load, name=name, arguments=arguments)


def _arguments(bench: Bench, shape: str, row: dict[str, Any]) -> str:
    text, gold, prompt = row["completion"], row["gold"], row["prompt"]
    messages: Any = text
    if bench.process.form == "messages":
        messages = [{"role": "assistant", "content": text}]
    if shape == "trl":
        columns = "solution" if "solution" in bench.info["parameters"] else "answer"
        return f"completions=[{messages!r}], prompts=[{prompt!r}], {columns}=[{gold!r}]"
    if shape == "verl":
        named = {"solution_str": text, "ground_truth": gold}
        if "data_source" in bench.info["parameters"]:
            named = {"data_source": "audit", **named, "extra_info": row["data"]}
        return ", ".join(f"{name}={value!r}" for name, value in named.items())
    if shape == "openrlhf":
        return f"[{prompt + text!r}], [{prompt!r}], [{gold!r}]"
    if shape == "reasoning_gym":
        entry = {"question": prompt, "answer": gold, "metadata": row["data"]}
        first = "None, " if bench.info["unbound"] else ""
        return f"{first}{text!r}, {entry!r}"
    if shape == "verifiers":
        return f"completion={messages!r}, answer={gold!r}"
    return f"{text!r}, {gold!r}"
