"""Each trainer's own call of a reward: in the real package where it is installed, else a replay.

A call site is given a folder, the words that go to `rlvr export`, and answers; it exports, loads
what was written as the trainer loads it, calls as the trainer calls, and says what the trainer had
in its hands. A replay names the version, the file and the lines that it repeats.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rlvr_bridge.export.files import export_files
from rlvr_bridge.tasks import encode_task
from rlvr_ops_core import Task

REAL = "RLVR_BRIDGE_REAL"
"""Environment variable: the trainers whose real package must be there, separated by commas."""


@dataclass(frozen=True)
class Answer:
    task: Task
    text: str


@dataclass(frozen=True)
class Got:
    """What a trainer had in its hands for one answer."""

    value: float | None
    parts: Mapping[str, Any] = field(default_factory=dict)
    mark: str = ""
    """`raised`, `removed` or `failure`."""


@dataclass(frozen=True)
class Order:
    trainer: str
    rewards: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


CallSite = Callable[[Path, Order, Sequence[Answer]], list[Got]]
CALL_SITES: dict[str, CallSite] = {}
PACKAGES = {
    "trl": "trl",
    "trl-async": "trl",
    "swift": "swift",
    "verl": "verl",
    "openrlhf": "openrlhf",
    "openrlhf-http": "openrlhf",
    "skyrl": "skyrl_gym",
    "verifiers": "verifiers",
    "openenv": "openenv",
}
"""Import names. slime, NeMo-RL and NeMo-Gym are on no package index: always a replay."""


def is_real(trainer: str) -> bool:
    package = PACKAGES.get(trainer)
    found = package is not None and _is_installed(package)
    if trainer in os.environ.get(REAL, "").split(",") and not found:
        raise AssertionError(f"{REAL} asks for the real {package}, which is not installed")
    return found


@cache
def _is_installed(package: str) -> bool:
    """Asked once: a stand-in takes the package's place later."""
    return importlib.util.find_spec(package) is not None


def call_site(trainer: str) -> Callable[[CallSite], CallSite]:
    def note(function: CallSite) -> CallSite:
        CALL_SITES[trainer] = function
        return function

    return note


def write(folder: Path, order: Order, **more: Any) -> Path:
    """Export, and give the one file that was written."""
    settings = {"error_budget": 1.0, **order.settings, **more}
    name = f"{folder.name}_{order.trainer}_{len(list(folder.iterdir()))}".replace("-", "_")
    suffix = {"verl": ".yaml", "openai": ".json"}.get(order.trainer, ".py")
    output = folder / f"{name}{suffix}"
    (written,) = export_files(order.trainer, order.rewards, output=output, **settings).items()
    written[0].write_text(written[1])
    return written[0]


def module_in(file: Path) -> Any:
    """The module in a file, imported by its name as trainers do."""
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    importlib.invalidate_caches()
    return importlib.import_module(file.stem)


def exported_name(module: Any) -> str:
    """The one public name that an exported file makes, beside what it imports."""
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and name not in ("reward", "group_reward") and callable(value)
    ]
    assert len(own) == 1, own
    return own[0]


def rows_of(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [{"prompt": a.task.prompt_text, "rlvr_task": encode_task(a.task)} for a in answers]


# TRL


@call_site("trl")
def trl(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """TRL 1.16.0, trl/trainer/grpo_trainer.py:1579-1687."""
    module = module_in(write(folder, order))
    function = getattr(module, exported_name(module))
    extra: dict[str, list[Any]] = {}
    metrics: dict[str, float] = {}
    inputs = rows_of(answers)
    prompts = [row["prompt"] for row in inputs]
    texts = [a.text for a in answers]
    ids = [[1, 2]] * len(answers)
    if is_real("trl"):
        values = _trl_calculate_rewards(function, inputs, prompts, texts, ids, extra, metrics)
    else:
        keys = [key for key in inputs[0] if key not in ["prompt", "completion", "completion_ids"]]
        reward_kwargs = {key: [example[key] for example in inputs] for key in keys}
        values = function(
            prompts=prompts,
            completions=texts,
            completion_ids=ids,
            **reward_kwargs,
            trainer_state=types.SimpleNamespace(global_step=1),
            log_extra=extra.__setitem__,
            log_metric=metrics.__setitem__,
        )
    assert all(len(column) == len(answers) for column in extra.values()), "a ragged table"
    name = function.__name__
    return [
        Got(value, {key.removeprefix(f"{name}/"): column[row] for key, column in extra.items()})
        for row, value in enumerate(values)
    ]


def _trl_calculate_rewards(
    function: Any,
    inputs: list[dict[str, Any]],
    prompts: list[Any],
    completions: list[Any],
    ids: list[list[int]],
    extra: dict[str, list[Any]],
    metrics: dict[str, float],
) -> list[float | None]:
    import math

    import torch
    from accelerate import PartialState
    from trl import GRPOTrainer
    from trl.trainer.utils import get_callable_name

    PartialState(cpu=True)
    stub = types.SimpleNamespace(
        accelerator=types.SimpleNamespace(device=torch.device("cpu"), is_main_process=True),
        args=types.SimpleNamespace(report_to=[]),
        model=types.SimpleNamespace(training=True),
        reward_funcs=[function],
        reward_processing_classes=[None],
        reward_func_names=[get_callable_name(function)],
        state=types.SimpleNamespace(global_step=1, max_steps=10),
        environments=None,
        _log_completion_extra=lambda column, values: extra.setdefault(column, []).extend(values),
        _log_metric=metrics.__setitem__,
    )
    calculate = GRPOTrainer._calculate_rewards
    calculate = getattr(calculate, "__wrapped__", calculate)
    table = calculate(stub, inputs, prompts, completions, ids)
    return [None if math.isnan(value) else value for value in table[:, 0].tolist()]


@call_site("trl-async")
def trl_async(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """TRL 1.16.0, trl/experimental/async_grpo/async_rollout_worker.py:1023-1090 and :1205."""
    import pickle

    module = module_in(write(folder, order))
    function = pickle.loads(pickle.dumps(getattr(module, exported_name(module))))
    rows = rows_of(answers)
    kwargs = {
        "prompts": [[{"role": "user", "content": row["prompt"]}] for row in rows],
        "completions": [[{"role": "assistant", "content": a.text}] for a in answers],
        "completion_ids": [[1, 2]] * len(rows),
        "rlvr_task": [row["rlvr_task"] for row in rows],
    }
    if is_real("trl-async"):
        return _trl_score_group(function, kwargs)
    values = asyncio.run(_in_thread(function, kwargs))
    return [Got(value) for value in values]


async def _in_thread(function: Any, kwargs: dict[str, Any]) -> Any:
    return await asyncio.to_thread(function, **kwargs)


def _trl_score_group(function: Any, kwargs: dict[str, Any]) -> list[Got]:
    import math

    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    from trl.experimental.async_grpo import async_rollout_worker as worker
    from trl.trainer.utils import get_callable_name

    count = len(kwargs["prompts"])
    sequence = worker.TrainingSequence(
        rollout_id="1", input_ids=[1, 2], completion_mask=[0, 1], old_log_probs=[0.0, 0.0]
    )
    group = worker.RolloutGroup(
        prompts=kwargs["prompts"],
        reward_kwargs={"rlvr_task": kwargs["rlvr_task"]},
        completions=kwargs["completions"],
        completions_ids=kwargs["completion_ids"],
        completions_sequences=[[sequence]] * count,
        tool_call_counts=[0] * count,
        tool_failure_counts=[0] * count,
        model_version=0,
        group_id=0,
        env_rewards=[None] * count,
        rollout_rewards=[None] * count,
    )
    stub = types.SimpleNamespace(
        reward_funcs=[function],
        reward_func_names=[get_callable_name(function)],
        _env_reward_types=[],
        _provides_rollout_reward=False,
    )
    samples = asyncio.run(worker._AsyncRolloutLoop._score_group(stub, group))
    rewards = [sample.metrics["reward"] for sample in samples]
    assert all(s.advantage == 0 for s in samples if math.isnan(s.metrics["reward"]))
    return [Got(None if math.isnan(value) else value) for value in rewards]


# ms-swift


@call_site("swift")
def swift(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """ms-swift 4.6.0, swift/rl_core/grpo_algorithm.py:17-87, swift/rlhf_trainers/utils.py:2292."""
    real = is_real("swift")
    if not real:
        rewards = types.ModuleType("swift.rewards")
        rewards.orms = {}  # type: ignore[attr-defined]
        sys.modules.setdefault("swift", types.ModuleType("swift"))
        sys.modules["swift.rewards"] = rewards
    from swift.rewards import orms

    before = set(orms)
    module_in(write(folder, order))
    (name,) = set(orms) - before
    function = orms.pop(name)(args=None)
    conversations = [
        [{"role": "user", "content": a.task.prompt_text}, {"role": "assistant", "content": a.text}]
        for a in answers
    ]
    tasks = [encode_task(a.task) for a in answers]
    if real:
        import torch
        from swift.rl_core.data import GRPOSample
        from swift.rl_core.grpo_algorithm import compute_rewards_per_func

        samples = [
            GRPOSample(messages=messages, extra={"rlvr_task": task})
            for messages, task in zip(conversations, tasks, strict=True)
        ]
        table = compute_rewards_per_func(samples, [function], [None], torch.device("cpu"))
        values = [None if value != value else value for value in table[:, 0].tolist()]
    else:
        completions = [messages[-1]["content"] for messages in conversations]
        columns = {"messages": conversations, "rlvr_task": tasks, "prompt_id": ["a"] * len(tasks)}
        values = function(completions, trainer_state=None, **columns)
    return [Got(value) for value in values]


# verl


class _Tokenizer:
    """Token ids are the characters' numbers."""

    def decode(self, ids: Any, skip_special_tokens: bool = False) -> str:
        return "".join(chr(int(one)) for one in ids)

    def __call__(self, text: str, **_: Any) -> Any:
        import torch

        return {"input_ids": torch.tensor([[ord(char) for char in text]])}


@call_site("verl")
def verl(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """verl 0.9.1, trainer/ppo/reward.py:50-86 and experimental/reward_loop/…/naive.py:34-99."""
    import yaml

    config = yaml.safe_load(write(folder, order).read_text())
    if is_real("verl"):
        results = asyncio.run(_verl_real(config, answers))
    else:
        chosen = config["reward"]["custom_reward_function"]
        module = importlib.import_module(chosen["path"].removeprefix("pkg://"))
        function = getattr(module, chosen["name"])
        results = asyncio.run(_verl_replay(function, chosen["reward_kwargs"], answers))
    ok = [one for one in results if not isinstance(one, BaseException)]
    keys = list(ok[0]["reward_extra_info"]) if ok else []
    for key in keys:  # reward_loop.py:366-369: the first answer's keys are looked up in all
        assert len([one["reward_extra_info"][key] for one in ok]) == len(ok)
    return [
        Got(None, mark="raised")
        if isinstance(one, BaseException)
        else Got(one["reward_score"], one["reward_extra_info"])
        for one in results
    ]


async def _verl_replay(
    function: Any, kwargs: dict[str, Any], answers: Sequence[Answer]
) -> list[Any]:
    async def one(answer: Answer) -> Any:
        extra = {"rlvr_task": encode_task(answer.task), "num_turns": None}
        result = await function(
            data_source="d",
            solution_str=answer.text,
            ground_truth=answer.task.answer,
            extra_info={**extra, "rollout_reward_scores": {}},
            **kwargs,
        )
        return {"reward_score": result["score"], "reward_extra_info": dict(result)}

    return await asyncio.gather(*map(one, answers), return_exceptions=True)


async def _verl_real(config: dict[str, Any], answers: Sequence[Answer]) -> list[Any]:
    import numpy as np
    import torch
    from omegaconf import OmegaConf
    from verl import DataProto
    from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
    from verl.trainer.ppo.reward import get_custom_reward_fn

    function = get_custom_reward_fn(OmegaConf.create(config))
    manager = NaiveRewardManager(OmegaConf.create({}), _Tokenizer(), function)

    async def one(answer: Answer) -> Any:
        ids = torch.tensor([[ord(char) for char in answer.text] or [32]])
        extra = {"rlvr_task": encode_task(answer.task)}
        data = DataProto.from_dict(
            tensors={"responses": ids, "attention_mask": torch.ones_like(ids)},
            non_tensors={
                "data_source": np.array(["d"], dtype=object),
                "reward_model": np.array([{"ground_truth": answer.task.answer}], dtype=object),
                "extra_info": np.array([extra], dtype=object),
            },
        )
        return await manager.run_single(data)

    return await asyncio.gather(*map(one, answers), return_exceptions=True)


# OpenRLHF


class _Engine:
    """Generates what it was told to."""

    def __init__(self, text: str) -> None:
        self.ids = [ord(char) for char in text]

    async def generate(self, prompt_ids: Any, params: Any, multi_modal_data: Any = None) -> Any:
        output = types.SimpleNamespace(token_ids=self.ids, finish_reason="stop", logprobs=None)
        return types.SimpleNamespace(outputs=[output])


def _openrlhf_real(endpoint: str, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    import torch
    from openrlhf.utils.agent import SingleTurnAgentExecutor

    executor = SingleTurnAgentExecutor(endpoint)
    params = types.SimpleNamespace(max_tokens=100_000, logprobs=None)

    async def one(answer: Answer) -> Any:
        output = await executor.execute(
            answer.task.prompt_text + "\nAnswer: ",
            encode_task(answer.task),
            params,
            1_000_000,
            _Tokenizer(),
            _Engine(answer.text + "<|im_end|>"),
        )
        for value in output["extra_logs"].values():  # samples_generator.py:284-293
            torch.tensor([value]).reshape(1)
        return output

    async def every() -> Any:
        return await asyncio.gather(*map(one, answers))

    outputs: list[dict[str, Any]] = asyncio.run(every())
    return outputs


def _openrlhf_got(output: Mapping[str, Any]) -> Got:
    if output["reward"] is None:
        return Got(None, mark="raised")
    assert 0 <= output["scores"] <= 1
    return Got(output["reward"], output["extra_logs"])


@call_site("openrlhf")
def openrlhf(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """OpenRLHF 0.11.2, openrlhf/utils/agent.py:191-325."""
    file = write(folder, order)
    if is_real("openrlhf"):
        return [_openrlhf_got(output) for output in _openrlhf_real(str(file), answers)]
    spec = importlib.util.spec_from_file_location("reward_func", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    async def one(answer: Answer) -> Any:
        prompt = answer.task.prompt_text + "\nAnswer: "
        query = f"{prompt}{answer.text}<|im_end|>"
        try:
            info = await asyncio.to_thread(
                module.reward_func, [query], [prompt], [encode_task(answer.task)]
            )
        except Exception:
            return {"reward": None}
        return {
            "reward": info.get("rewards"),
            "scores": info.get("scores"),
            "extra_logs": info.get("extra_logs") or {},
        }

    async def every() -> Any:
        return await asyncio.gather(*map(one, answers))

    return [_openrlhf_got(output) for output in asyncio.run(every())]


@call_site("openrlhf-http")
def openrlhf_http(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """OpenRLHF 0.11.2, openrlhf/utils/agent.py:327-365, against the server that export writes."""
    from http.server import ThreadingHTTPServer

    module = module_in(write(folder, order))
    module.Handler.log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), module.Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/"
    try:
        if is_real("openrlhf-http"):
            return [_openrlhf_got(output) for output in _openrlhf_real(url, answers)]
        return [_post_openrlhf(url, answer) for answer in answers]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _post_openrlhf(url: str, answer: Answer) -> Got:
    prompt = answer.task.prompt_text + "\nAnswer: "
    payload = {
        "query": [f"{prompt}{answer.text}<|im_end|>"],
        "prompts": [prompt],
        "labels": [encode_task(answer.task)],
    }
    info = post(url, payload)
    return _openrlhf_got({"reward": info["rewards"], **info})


def post(url: str, payload: Any) -> Any:
    from urllib.request import Request, urlopen

    request = Request(url, json.dumps(payload).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as response:
        return json.loads(response.read())


# slime


@call_site("slime")
def slime(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """slime 624b824, slime/rollout/rm_hub/__init__.py:55-63 (one) and :99-107 (a list)."""
    file = write(folder, order)
    module = module_in(file)
    module_path, _, attribute = f"{file.stem}.rm".rpartition(".")  # slime/utils/misc.py:39
    rm_function = getattr(importlib.import_module(module_path), attribute)
    samples = [
        types.SimpleNamespace(  # slime/utils/types.py:76-150
            prompt=a.task.prompt_text,
            response=a.text,
            label=encode_task(a.task),
            metadata={"source": "d"},
            group_index=0,
            index=index,
            status=types.SimpleNamespace(value="completed"),
            remove_sample=False,
        )
        for index, a in enumerate(answers)
    ]
    half = len(samples) // 2

    async def every() -> Any:
        one = [await rm_function(None, sample) for sample in samples[:half]]
        return one + (await rm_function(None, samples[half:]) if samples[half:] else [])

    if "group_reward" in vars(module):
        half = 0
    values = asyncio.run(every())
    return [
        Got(value, sample.metadata["rlvr"]["reward"], "removed" if sample.remove_sample else "")
        for value, sample in zip(values, samples, strict=True)
    ]


# SkyRL


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
        except Exception:
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


# NeMo


class EnvironmentReturn(NamedTuple):
    """NeMo-RL 7ea279a, nemo_rl/environments/interfaces.py:26-50."""

    observations: Any
    metadata: Any
    next_stop_strings: Any
    rewards: Any
    terminateds: Any
    answers: Any


@call_site("nemo-rl")
def nemo_rl(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """NeMo-RL 7ea279a, nemo_rl/experience/rollouts.py:740-840: step, then rewards are added up."""
    import torch

    for name in ("nemo_rl", "nemo_rl.environments"):
        sys.modules.setdefault(name, types.ModuleType(name))
    interfaces = types.ModuleType("nemo_rl.environments.interfaces")
    interfaces.EnvironmentReturn = EnvironmentReturn  # type: ignore[attr-defined]
    sys.modules["nemo_rl.environments.interfaces"] = interfaces
    ray = types.ModuleType("ray")
    ray.remote = lambda **_: lambda cls: cls  # type: ignore[attr-defined]
    kept = sys.modules.get("ray")
    sys.modules["ray"] = ray
    try:
        module = module_in(write(folder, order))
    finally:
        sys.modules.pop("ray")
        if kept is not None:
            sys.modules["ray"] = kept
    env = module.Environment({"num_workers": 1})
    logs = [
        [
            {"role": "user", "content": a.task.prompt_text, "token_ids": torch.tensor([1])},
            {"role": "assistant", "content": a.text, "token_ids": torch.tensor([2])},
        ]
        for a in answers
    ]
    try:
        result = env.step(logs, [{"rlvr_task": encode_task(a.task)} for a in answers])
    except Exception:
        return [Got(None, mark="raised")] * len(answers)
    rewards = result.rewards
    total = sum(rewards.values()) if isinstance(rewards, dict) else rewards
    assert len(result.observations) == len(result.answers) == len(answers)
    _, metrics = env.global_post_process_and_metrics({})
    assert 0 <= metrics["rlvr_ok"] <= 1
    return [Got(value) for value in total.tolist()]


@call_site("nemo-gym")
def nemo_gym(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """NeMo-Gym 07d6b0d, nemo_gym/base_resources_server.py:139 and judge.py:87-115."""
    _nemo_gym_stand_in()
    module = module_in(write(folder, order))
    server = module.RewardServer()

    async def every() -> Any:
        return [await _judge_failsafe(server, module, _request(answer)) for answer in answers]

    got = []
    for row in asyncio.run(every()):
        if "_ng_failure_class" in row:
            got.append(Got(None, mark="failure"))
            continue
        # NeMo-RL, nemo_gym.py:1080-1104: it raises unless the parts sum to the reward
        assert abs(sum(row["reward_components"].values()) - row["reward"]) < 1e-9
        numbers = {key: one for key, one in row.items() if key.startswith(("reward/", "rlvr_"))}
        got.append(Got(row["reward"], numbers))
    return got


def _request(answer: Answer) -> dict[str, Any]:
    content = [{"type": "output_text", "text": answer.text, "annotations": []}]
    message = {"type": "message", "role": "assistant", "content": content}
    given = [{"role": "user", "content": answer.task.prompt_text}]
    return {
        "responses_create_params": {"input": given},
        "response": {"output": [{"type": "reasoning", "summary": []}, message]},
        "rlvr_task": encode_task(answer.task),
    }


async def _judge_failsafe(server: Any, module: Any, request: dict[str, Any]) -> dict[str, Any]:
    body = module.VerifyRequest(**request)
    try:
        response = await server.verify(body)
    except module.JudgeError as error:
        return body.model_dump() | {
            "reward": 0.0,
            "_ng_failure_class": "judge_failed",
            "_ng_failure_judge_error": str(error),
        }
    dumped: dict[str, Any] = response.model_dump()
    return dumped


def _nemo_gym_stand_in() -> None:
    from pydantic import BaseModel

    class BaseVerifyRequest(BaseModel):
        responses_create_params: dict[str, Any]
        response: dict[str, Any]

    class BaseMultiRewardVerifyResponse(BaseVerifyRequest):
        reward: float
        reward_components: dict[str, float]

    class SimpleResourcesServer:
        pass

    class JudgeError(Exception):
        pass

    base = types.ModuleType("nemo_gym.base_resources_server")
    for cls in (BaseVerifyRequest, BaseMultiRewardVerifyResponse, SimpleResourcesServer):
        setattr(base, cls.__name__, cls)
    judge = types.ModuleType("nemo_gym.judge")
    judge.JudgeError = JudgeError  # type: ignore[attr-defined]
    for module in (types.ModuleType("nemo_gym"), base, judge):
        sys.modules[module.__name__] = module


# verifiers


@call_site("verifiers")
def verifiers(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """verifiers 0.4.0, verifiers/v1/task.py:213-284, with the function plugged in by config."""
    file = write(folder, order)
    module = module_in(file)
    name = exported_name(module)
    path = f"{file.stem}:{name}"
    if is_real("verifiers"):
        return asyncio.run(_verifiers_real(path, answers))
    return asyncio.run(_verifiers_replay(getattr(module, name), answers))


async def _verifiers_real(path: str, answers: Sequence[Answer]) -> list[Got]:
    import verifiers.v1 as vf
    from verifiers.v1.graph import MessageNode

    class Data(vf.TaskData):
        rlvr_task: str

    class OneTask(vf.Task[Data]):
        pass

    async def one(answer: Answer) -> Got:
        config = vf.TaskConfig(rewards={"rlvr": vf.RewardFunctionConfig(fn=path)})
        data = Data(prompt=answer.task.prompt_text, rlvr_task=encode_task(answer.task))
        task = OneTask(data, config)
        trace = vf.Trace(
            task=vf.TraceTask(type="OneTask", data=data, key=task.key, hash=task.hash),
            agent=vf.AgentInfo(config=vf.AgentConfig()),
        )
        turns = [("user", answer.task.prompt_text), ("assistant", answer.text)]
        for parent, (role, content) in enumerate(turns, start=-1):
            message = {"role": role, "content": content}
            sampled = role == "assistant"
            kept = None if parent < 0 else parent
            trace.nodes.append(MessageNode(parent=kept, message=message, sampled=sampled))
        try:
            await task.score(trace)
        except vf.TaskError as error:
            trace.record_error(error)
            assert not trace.ok
            return Got(None, trace.metrics, "raised")
        return Got(trace.reward, trace.metrics)

    return await asyncio.gather(*map(one, answers))


async def _verifiers_replay(function: Any, answers: Sequence[Answer]) -> list[Got]:
    async def one(answer: Answer) -> Got:
        row = {"prompt": answer.task.prompt_text, "rlvr_task": encode_task(answer.task)}
        task = types.SimpleNamespace(
            model_dump=lambda **_: dict(row), prompt_text=answer.task.prompt_text
        )
        metrics: dict[str, float] = {}
        trace = types.SimpleNamespace(
            last_reply=answer.text.strip(), info={}, record_metric=metrics.__setitem__
        )
        try:
            result = await function(task=task, trace=trace)
        except Exception:
            return Got(None, metrics, "raised")
        total = sum(result.values()) if isinstance(result, Mapping) else result
        return Got(float(total), metrics)

    return await asyncio.gather(*map(one, answers))


# OpenEnv


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


# OpenAI


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
