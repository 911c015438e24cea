"""How SkyRL-gym, OpenEnv and a python grader call a reward."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rlvr_bridge.tasks import encode_task

from bridge_sites.base import (
    Answer,
    Got,
    Order,
    call_site,
    is_real,
    module_in,
    write,
)
from rlvr_ops_core import RlvrError


def skyrl_stand_in() -> None:
    """SkyRL-gym 0.4.0, skyrl_gym/envs/base_text_env.py:17-100, registration.py:158-250."""
    names = ("skyrl_gym", "skyrl_gym.envs", "skyrl_gym.envs.base_text_env")
    gym, envs, base = (types.ModuleType(name) for name in names)
    registry: dict[str, tuple[str, dict[str, Any]]] = {}

    class BaseTextEnv:
        def __init__(self) -> None:
            self.turns = 0
            self.max_turns = 1

        def close(self) -> None:
            """Nothing to close."""

    def register(id: str, entry_point: str, kwargs: dict[str, Any]) -> None:
        registry[id] = (entry_point, kwargs)

    def make(id: str, **kwargs: Any) -> Any:
        module, name = registry[id][0].split(":")
        return getattr(importlib.import_module(module), name)(**{**registry[id][1], **kwargs})

    base.BaseTextEnv, base.BaseTextEnvStepOutput = BaseTextEnv, dict  # type: ignore[attr-defined]
    gym.register, gym.make, gym.registry = register, make, registry  # type: ignore[attr-defined]
    for module in (gym, envs, base):
        sys.modules.setdefault(module.__name__, module)


@call_site("skyrl")
def skyrl(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """SkyRL-gym 0.4.0: register, make, init, step, get_metrics, close, as its generator does."""
    if not is_real("skyrl"):
        skyrl_stand_in()
    import skyrl_gym

    before = set(skyrl_gym.registry)
    module_in(write(folder, order))
    (name,) = set(skyrl_gym.registry) - before
    got = []
    for answer in answers:
        extras = {"rlvr_task": encode_task(answer.task), "reward_spec": {"ground_truth": "?"}}
        env = skyrl_gym.make(name, env_config=None, extras={**extras, "max_turns": 1})
        prompt, _ = env.init([{"role": "user", "content": answer.task.prompt_text}])
        assert prompt
        try:
            step = env.step(answer.text)
        except RlvrError:
            got.append(Got(None, mark="raised"))
            continue
        assert step["reward"] is not None  # SkyRL asserts the same
        assert step["done"]
        got.append(Got(step["reward"], env.get_metrics()))
        env.close()
    if is_real("skyrl"):
        from skyrl_gym.metrics import aggregate_for_environment

        means = aggregate_for_environment(name, [dict(one.parts) for one in got])
        assert "rlvr_ok" in means
        skyrl_gym.envs.registration.deregister(name)
    else:
        skyrl_gym.registry.pop(name)
    return got


def openenv_stand_in() -> None:
    """OpenEnv 0.10.0, openenv/core/rubrics/base.py:17-80."""
    names = ("openenv", "openenv.core", "openenv.core.rubrics", "openenv.core.rubrics.base")
    modules = [types.ModuleType(name) for name in names]

    class Rubric:
        def __init__(self) -> None:
            object.__setattr__(self, "_rubric_children", {})
            object.__setattr__(self, "last_score", None)

        def __setattr__(self, name: str, value: Any) -> None:
            if isinstance(value, Rubric):
                self._rubric_children[name] = value  # type: ignore[attr-defined]
            object.__setattr__(self, name, value)

        def __call__(self, action: Any, observation: Any) -> Any:
            result = self.forward(action, observation)  # type: ignore[attr-defined]
            self.last_score = result
            return result

        def named_children(self) -> Any:
            yield from self._rubric_children.items()  # type: ignore[attr-defined]

    modules[-1].Rubric = Rubric  # type: ignore[attr-defined]
    for module in modules:
        sys.modules.setdefault(module.__name__, module)


@call_site("openenv")
def openenv(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """OpenEnv 0.10.0, openenv/core/env_server/interfaces.py:344-367: the step of a server."""
    real = is_real("openenv")
    if not real:
        openenv_stand_in()
    module = module_in(write(folder, order))
    rubric = module.rubric()
    step = _openenv_step(rubric) if real else None
    got = []
    for answer in answers:
        rubric.set_task(answer.task)
        if step is not None:
            observation = step(answer.text)
        else:
            action = types.SimpleNamespace(message=answer.text, metadata={})
            observation = types.SimpleNamespace(done=True, reward=None, metadata={})
            observation.reward = rubric(action, observation)
        parts = {name: child.last_score for name, child in rubric.named_children()}
        assert observation.metadata["rlvr"]["status"]
        got.append(Got(observation.reward, parts))
    return got


def _openenv_step(rubric: Any) -> Callable[[str], Any]:
    from openenv.core.env_server.interfaces import Environment
    from openenv.core.env_server.types import Action, Observation, State

    class Said(Action):  # type: ignore[misc]
        message: str

    class OneTurn(Environment):  # type: ignore[misc]
        def reset(self, seed: Any = None, episode_id: Any = None, **_: Any) -> Any:
            return Observation()

        def step(self, action: Any, timeout_s: float | None = None, **_: Any) -> Any:
            observation = Observation(done=True)
            observation.reward = self._apply_rubric(action, observation)
            return observation

        @property
        def state(self) -> Any:
            return State()

    environment = OneTurn(rubric=rubric)
    return lambda text: environment.step(Said(message=text))


GRADE_ALL = """
import json, sys
rows = json.loads(sys.argv[1])
namespace = {"__name__": "grader"}
exec(json.load(open(sys.argv[2]))["source"], namespace)
for sample, item in rows:
    try:
        print(json.dumps(namespace["grade"](sample, item)))
    except Exception as error:
        print(json.dumps({"raised": str(error)}))
"""


@call_site("openai")
def openai(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """The documented contract: `grade(sample, item)`, the standard library alone, two minutes."""
    file = write(folder, order)
    rows = [
        ({"output_text": a.text, "output_json": None}, {"rlvr_task": encode_task(a.task)})
        for a in answers
    ]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", GRADE_ALL, json.dumps(rows), str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    got = []
    for line in done.stdout.splitlines():
        value = json.loads(line)
        raised = isinstance(value, dict)
        got.append(Got(None, mark="raised") if raised else Got(value))
    return got
