"""The file that each trainer is given: a reference, and the one line that makes a reward of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlvr_bridge.export.command import read_entries, value_of
from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import Reference, refer
from rlvr_bridge.scorer import Asked, ask, policy_for
from rlvr_ops_core import OptionError

HEAD = '''"""{title}: {uses}.

Written by `rlvr export {trainer}`. {how}
No verdict becomes {becomes}
"""

'''


@dataclass(frozen=True, kw_only=True)
class Order:
    """What was asked for."""

    trainer: str
    reference: Reference
    asked: Asked
    name: str
    answer: str | None
    group_size: int | None
    no_verdict: NoVerdict | None
    stem: str
    """The file's name without its ending: the module under which the trainer imports it."""
    data: str | None
    data_options: Mapping[str, Any]

    def call(self, function: str, **more: Any) -> str:
        """The call that makes the reward, with the settings that differ from the defaults."""
        given = {"no_verdict": self.no_verdict, **more}
        words = [f"    {key}={value!r},\n" for key, value in given.items() if value is not None]
        return f"{function}(\n    {self.reference.text!r},\n{''.join(words)})\n"

    def head(self, how: str) -> str:
        """The file's docstring."""
        row = TRAINERS[self.trainer]
        uses = ", ".join(entry.use for entry in self.reference.rewards.values() if entry.use)
        becomes = self.no_verdict or row.becomes
        return HEAD.format(
            title=row.title, uses=uses, trainer=self.trainer, how=how, becomes=f"{becomes}."
        )


def export_files(
    trainer: str,
    rewards: Sequence[str],
    *,
    options: Sequence[str] = (),
    plugins: Sequence[Path] = (),
    name: str | None = None,
    answer: str | None = None,
    group_size: int | None = None,
    no_verdict: NoVerdict | None = None,
    error_budget: float = 0.02,
    data: str | None = None,
    data_options: Sequence[str] = (),
    output: Path | None = None,
) -> dict[Path, str]:
    """The files for a trainer, by path; most trainers take one.

    Raises:
        PluginError: a reward is not there, or the trainer can't carry it.
        OptionError: an option is wrong.
    """
    entries = read_entries(rewards, options)
    reference = refer(entries, plugins=plugins, error_budget=error_budget)
    asked = ask(reference)
    asked.refuse_unless(TRAINERS[trainer], groups=group_size is not None)
    policy_for(trainer, no_verdict)
    target = output or Path(DEFAULT_NAMES.get(trainer, f"rlvr_{trainer.replace('-', '_')}.py"))
    order = Order(
        trainer=trainer,
        reference=reference,
        asked=asked,
        name=_python_name(name or reference.name),
        answer=answer,
        group_size=group_size,
        no_verdict=no_verdict,
        stem=target.stem,
        data=data,
        data_options={key: value_of(text) for key, _, text in _pairs(data_options)},
    )
    if data is not None:
        return _environment_package(order, output)
    return {target: WRITERS[trainer](order)}


DEFAULT_NAMES = {
    "verl": "rlvr_verl.yaml",
    "openai": "rlvr_grader.json",
    "nemo-gym": "app.py",
}


def _pairs(options: Sequence[str]) -> list[tuple[str, str, str]]:
    pairs = [option.partition("=") for option in options]
    for name, equals, _ in pairs:
        if not equals:
            raise OptionError(f"--data-option {name}: is not of the form NAME=VALUE")
    return pairs


def _python_name(name: str) -> str:
    word = "".join(char if char.isalnum() else "_" for char in name)
    return word if word.isidentifier() else f"reward_{word}"


def _trl(order: Order) -> str:
    how = f"Use it as `trl grpo --reward_funcs {order.stem}.{order.name}`."
    call = order.call("reward", name=order.name, answer=order.answer, group_size=order.group_size)
    return f"{order.head(how)}from rlvr_bridge.trl import reward\n\n{order.name} = {call}"


def _trl_async(order: Order) -> str:
    how = "Give it to AsyncGRPOTrainer(reward_funcs=…)."
    call = order.call("group_reward", name=order.name, answer=order.answer)
    return f"{order.head(how)}from rlvr_bridge.trl import group_reward\n\n{order.name} = {call}"


def _swift(order: Order) -> str:
    parts = order.asked.columns if len(order.asked.columns) > 1 else ()
    names = " ".join([order.name, *(f"{order.name}/{part}" for part in parts)])
    weights = " ".join(["1", *("0" for _ in parts)])
    use = f"--external_plugins {order.stem}.py --reward_funcs {names}"
    how = f"Use it with `{use}{f' --reward_weights {weights}' if parts else ''}`."
    same = {"name": order.name, "answer": order.answer, "group_size": order.group_size}
    imports = "from rlvr_bridge.swift import reward_class\nfrom swift.rewards import orms\n"
    first = order.call("reward_class", parts_follow=bool(parts) or None, **same)
    lines = [f"orms[{order.name!r}] = {first}"]
    for part in parts:
        key = f"{order.name}/{part}"
        lines.append(f"orms[{key!r}] = {order.call('reward_class', part=part, **same)}")
    return f"{order.head(how)}{imports}\n{''.join(lines)}"


def _verl(order: Order) -> str:
    kwargs = {"reference": order.reference.text, "no_verdict": order.no_verdict}
    lines = [f"      {key}: {json.dumps(one)}\n" for key, one in kwargs.items() if one is not None]
    keys = json.dumps([f"reward/{name}" for name in order.reference.counted])
    gdpo = f"# for GDPO:\n# algorithm: {{gdpo_reward_keys: {keys}}}\n"
    return (
        f"# {TRAINERS['verl'].title}: written by `rlvr export verl`; merge it into the config.\n"
        f"# No verdict becomes {order.no_verdict or TRAINERS['verl'].becomes}.\n"
        "reward:\n  custom_reward_function:\n    path: pkg://rlvr_bridge.verl\n"
        "    name: compute_score\n    reward_kwargs:\n"
        f"{''.join(lines)}{gdpo if len(order.reference.counted) > 1 else ''}"
    )


def _openrlhf(order: Order) -> str:
    how = f"Use it with `--reward.remote_url {order.stem}.py --data.label_key rlvr_task`."
    call = order.call("reward_function")
    imports = "from rlvr_bridge.openrlhf import reward_function\n"
    return f"{order.head(how)}{imports}\nreward_func = {call}"


def _http(order: Order) -> str:
    how = f"Start it with `python {order.stem}.py`; it answers at http://127.0.0.1:8000/."
    given = "" if order.no_verdict is None else f", no_verdict={order.no_verdict!r}"
    return f"""{order.head(how)}import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rlvr_bridge.http import answer
from rlvr_ops_core import DataError, RlvrError

REFERENCE = {order.reference.text!r}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = 200, answer(body, REFERENCE{given})
        except (DataError, ValueError) as error:
            status, content = 400, {{"error": str(error)}}
        except RlvrError as error:
            status, content = 503, {{"error": str(error)}}
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
"""


def _slime(order: Order) -> str:
    function = "reward" if order.group_size is None else "group_reward"
    flag = "" if order.group_size is None else " --group-rm"
    how = f"Use it with `--custom-rm-path {order.stem}.rm{flag}`."
    return (
        f"{order.head(how)}from rlvr_bridge.slime import {function}\n\nrm = {order.call(function)}"
    )


def _skyrl(order: Order) -> str:
    kwargs = {"reference": order.reference.text, "no_verdict": order.no_verdict}
    given = {key: value for key, value in kwargs.items() if value is not None}
    how = f"Import it where the generator runs; the environment is `env_class={order.name}`."
    return f"""{order.head(how)}from skyrl_gym import register

register(
    id={order.name!r},
    entry_point="rlvr_bridge.skyrl:RewardEnv",
    kwargs={given!r},
)
"""


def _nemo_rl(order: Order) -> str:
    how = f'Register it: `register_env("{order.name}", "{order.stem}.Environment")`.'
    call = order.call("environment")
    imports = "import ray\nfrom rlvr_bridge.nemo_rl import environment\n"
    remote = call.replace("environment(", "ray.remote(max_concurrency=1000)(environment(", 1)
    return f"{order.head(how)}{imports}\nEnvironment = {remote.rstrip()})\n"


def _nemo_gym(order: Order) -> str:
    given = "" if order.answer is None else f", answer={order.answer!r}"
    head = order.head("It is the app.py of a resources server.")
    return f"""{head}from nemo_gym.base_resources_server import (
    BaseMultiRewardVerifyResponse,
    BaseVerifyRequest,
    SimpleResourcesServer,
)
from nemo_gym.judge import JudgeError
from pydantic import ConfigDict
from rlvr_bridge.nemo_gym import verify
from rlvr_bridge.scorer import NoVerdictError

REFERENCE = {order.reference.text!r}


class VerifyRequest(BaseVerifyRequest):
    model_config = ConfigDict(extra="allow")


class VerifyResponse(BaseMultiRewardVerifyResponse):
    model_config = ConfigDict(extra="allow")


class RewardServer(SimpleResourcesServer):
    async def verify(self, body: VerifyRequest) -> VerifyResponse:
        try:
            row = await verify(body.model_dump(), REFERENCE{given}, no_verdict="raise")
        except NoVerdictError as error:  # NeMo-Gym puts the row into its failures file
            raise JudgeError(str(error)) from error
        return VerifyResponse(**row)


if __name__ == "__main__":
    RewardServer.run_webserver()
"""


def _verifiers(order: Order) -> str:
    how = f'Plug it in: [env.taskset.task.rewards.{order.name}] fn = "{order.stem}:{order.name}"'
    call = order.call("reward", answer=order.answer)
    return f"{order.head(how)}from rlvr_bridge.verifiers import reward\n\n{order.name} = {call}"


def _environment_package(order: Order, output: Path | None) -> dict[Path, str]:
    if order.trainer != "verifiers" or output is None:
        raise OptionError(
            "--data makes an environment package for verifiers",
            hint="rlvr export verifiers REWARD --data SOURCE --output FOLDER",
        )
    package = _python_name(output.name)
    how = f"`uv pip install -e {output.name}` and `vf-eval {package} -n 3`."
    options = dict(order.data_options) or None
    call = order.call("taskset", data=order.data, data_options=options, answer=order.answer)
    imports = "from rlvr_bridge.verifiers_taskset import taskset\n"
    code = f'{order.head(how)}{imports}\nRewardTaskset = {call}\n__all__ = ["RewardTaskset"]\n'
    project = (
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n'
        f'[project]\nname = "{package.replace("_", "-")}"\nversion = "0.1.0"\n'
        'requires-python = ">=3.11"\ndependencies = ["verifiers>=0.4,<0.5", "rlvr-bridge"]\n\n'
        f'[tool.hatch.build.targets.wheel]\npackages = ["{package}"]\n'
    )
    return {output / "pyproject.toml": project, output / package / "__init__.py": code}


def _openenv(order: Order) -> str:
    how = "Make one for every environment; call its set_task(task) in reset()."
    call = order.call("RewardRubric")
    body = "".join(f"    {line}\n" for line in f"return {call}".splitlines())
    imports = "from rlvr_bridge.openenv import RewardRubric\n\n\n"
    return f"{order.head(how)}{imports}def rubric() -> RewardRubric:\n{body}"


def _openai(order: Order) -> str:
    from rlvr_bridge.openai import grader

    made = grader(order.reference, answer=order.answer or "answer")
    return json.dumps(made, indent=2) + "\n"


WRITERS: Mapping[str, Callable[[Order], str]] = {
    "trl": _trl,
    "trl-async": _trl_async,
    "swift": _swift,
    "verl": _verl,
    "openrlhf": _openrlhf,
    "openrlhf-http": _http,
    "slime": _slime,
    "skyrl": _skyrl,
    "nemo-rl": _nemo_rl,
    "nemo-gym": _nemo_gym,
    "verifiers": _verifiers,
    "openenv": _openenv,
    "openai": _openai,
}
