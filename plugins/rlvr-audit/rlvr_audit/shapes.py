"""The shapes in which rewards are written, told apart by their parameters, and called alike.

sample samples group   ours: the first parameter says what it judges
trl                    f(completions, prompts, …columns, **kwargs) -> list
verl                   f(data_source, solution_str, ground_truth, extra_info)
verl_batch             f(data_sources, solution_strs, ground_truths, extra_infos) -> list
openrlhf               f(queries, prompts, labels) -> list
verifiers              f(prompt, completion, answer, state, …), whichever of these it takes
reasoning_gym          f(answer, entry)
openai                 f(sample: dict, item: dict)
plain plain_batch      f(text, gold), in any order that the names tell
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from rlvr_ops_core import PluginError

Row: TypeAlias = Mapping[str, Any]
"""One answer to judge: id, prompt, gold, data, completion (text or messages), group, index."""

SHAPES = (
    "trl",
    "verl",
    "verl_batch",
    "openrlhf",
    "verifiers",
    "reasoning_gym",
    "openai",
    "plain",
    "plain_batch",
)
OUR_SHAPES = ("sample", "samples", "group")
BATCHED = frozenset({"samples", "group", "trl", "verl_batch", "openrlhf", "plain_batch"})

TEXT_NAMES = (
    "completion",
    "response",
    "text",
    "output",
    "prediction",
    "pred",
    "model_output",
    "generated",
    "generation",
    "candidate",
    "student_answer",
    "model_answer",
    "solution_str",
    "content",
)
GOLD_NAMES = (
    "gold",
    "answer",
    "ground_truth",
    "target",
    "reference",
    "label",
    "solution",
    "expected",
    "correct_answer",
    "gold_answer",
    "truth",
    "ref",
)
PROMPT_NAMES = ("prompt", "question", "query", "problem", "input", "instruction")
OTHER_NAMES = {"info": "data", "extra_info": "data", "metadata": "data", "data": "data"}
KNOWN_NAMES = frozenset({*TEXT_NAMES, *GOLD_NAMES, *PROMPT_NAMES, *OTHER_NAMES})
GROUND = ("answer", "solution", "ground_truth", "gold", "target", "label", "labels")


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters that a caller fills, without `self`."""
    if isinstance(function, type) and "__call__" in vars(function):
        function = function.__call__
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise PluginError(f"the signature of {function!r} can't be read: {error}") from error
    return [one for one in found if one.name not in ("self", "cls")]


def shape_of(function: Callable[..., Any]) -> str:
    """The shape of a function, from the names of its parameters.

    Raises:
        PluginError: nothing tells what it takes.
    """
    names = [one.name for one in parameters_of(function) if one.kind is not one.VAR_KEYWORD]
    positional = [
        one.name
        for one in parameters_of(function)
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    first = names[0] if names else ""
    if first == "sample" and positional[1:2] == ["item"]:
        return "openai"
    if first in OUR_SHAPES:
        return first
    if "completions" in names:
        return "trl"
    if "solution_strs" in names:
        return "verl_batch"
    if "solution_str" in names:
        return "verl"
    if first == "queries" or {"queries", "labels"} <= set(names):
        return "openrlhf"
    if names[:2] == ["answer", "entry"]:
        return "reasoning_gym"
    if "completion" in names:
        return "verifiers"
    if any(_singular(name) in TEXT_NAMES and name not in TEXT_NAMES for name in names):
        return "plain_batch"
    if len(positional) >= 1:
        return "plain"
    raise PluginError(
        f"{getattr(function, '__qualname__', function)}({', '.join(names)}): can't tell what it "
        "takes",
        hint=f"say it: --shape {'|'.join(SHAPES)}",
    )


def _singular(name: str) -> str:
    return name[:-3] + "y" if name.endswith("ies") else name.removesuffix("s")


class Parser:
    """What verifiers hands to a reward that asks for a parser: takes the text as it is."""

    def parse(self, text: str) -> str:
        """The text."""
        return text

    def parse_answer(self, completion: Any) -> str | None:
        """The text of the last message of the assistant; of a text the text."""
        if isinstance(completion, str):
            return completion
        said = [one["content"] for one in completion if one.get("role") == "assistant"]
        return str(said[-1]) if said else None


class Foreign:
    """A function of another shape, called with our rows."""

    def __init__(self, function: Callable[..., Any], shape: str, form: str) -> None:
        self.function = function
        self.shape = shape
        self.form = form
        """`text` or `messages`: how a completion is handed over."""
        self.parameters = parameters_of(function)
        self.names = {one.name for one in self.parameters}
        self.takes_all = any(one.kind is one.VAR_KEYWORD for one in self.parameters)
        unbound = next(iter(inspect.signature(function).parameters), "") == "self"
        self.first = (None,) if unbound else ()  # a method taken off its class
        self.changed = False
        """The last call changed its arguments."""

    def __call__(self, rows: Sequence[Row]) -> Any:
        """What the function returns for these rows; for one row, if it isn't batched."""
        return getattr(self, f"_{self.shape}")(rows)

    def _call(self, *positional: Any, **keywords: Any) -> Any:
        before = repr((positional, _without_functions(keywords)))
        result = self.function(*self.first, *positional, **keywords)
        if not inspect.isawaitable(result):
            self.changed = repr((positional, _without_functions(keywords))) != before
        return result

    def completion(self, row: Row) -> Any:
        """The completion in the form that this function takes."""
        given = row["completion"]
        if self.form == "messages" and isinstance(given, str):
            return [{"role": "assistant", "content": given}]
        return given

    def prompt(self, row: Row) -> Any:
        """The prompt in the form that this function takes."""
        if self.form == "messages":
            return [{"role": "user", "content": row["prompt"]}]
        return row["prompt"]

    def _taken(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return (
            dict(values) if self.takes_all else {k: v for k, v in values.items() if k in self.names}
        )

    def _trl(self, rows: Sequence[Row]) -> Any:
        columns: dict[str, list[Any]] = {name: [row["gold"] for row in rows] for name in GROUND}
        for name in sorted({name for row in rows for name in row["data"]}):
            columns[name] = [row["data"].get(name) for row in rows]
        for name in self.names & {*GOLD_NAMES} - set(columns):
            columns[name] = [row["gold"] for row in rows]
        dropped = set(rows[0].get("without") or ())
        short = int(rows[0].get("short") or 0)
        columns = {k: v[: len(v) - short] for k, v in columns.items() if k not in dropped}
        values = {
            "prompts": [self.prompt(row) for row in rows],
            "completions": [self.completion(row) for row in rows],
            "completion_ids": [[1] * (1 + len(str(row["completion"])) // 4) for row in rows],
            **columns,
            "log_extra": lambda *_: None,
            "log_metric": lambda *_: None,
            "trainer_state": None,
        }
        return self._call(**self._taken(values))

    def _verl(self, rows: Sequence[Row]) -> Any:
        (row,) = rows
        values = {
            "data_source": row["data"].get("data_source", "audit"),
            "solution_str": row["completion"],
            "ground_truth": row["gold"],
            "extra_info": {"question": row["prompt"], **row["data"]},
        }
        return self._call(**self._taken(values))

    def _verl_batch(self, rows: Sequence[Row]) -> Any:
        values = {
            "data_sources": [row["data"].get("data_source", "audit") for row in rows],
            "solution_strs": [row["completion"] for row in rows],
            "ground_truths": [row["gold"] for row in rows],
            "extra_infos": [{"question": row["prompt"], **row["data"]} for row in rows],
        }
        return self._call(**self._taken(values))

    def _openrlhf(self, rows: Sequence[Row]) -> Any:
        prompts = [row["prompt"] for row in rows]
        queries = [row["prompt"] + str(row["completion"]) for row in rows]
        raw = self._call(queries, prompts, [row["gold"] for row in rows])
        return raw["rewards"] if isinstance(raw, Mapping) and "rewards" in raw else raw

    def _verifiers(self, rows: Sequence[Row]) -> Any:
        (row,) = rows
        values = {
            "prompt": self.prompt(row),
            "completion": self.completion(row),
            "state": {
                "prompt": self.prompt(row),
                "completion": self.completion(row),
                "answer": row["gold"],
                "info": row["data"],
                "responses": [],
                "turn": 1,
            },
            "task": row["data"].get("task", "default"),
            "info": row["data"],
            "parser": Parser(),
            **dict.fromkeys(GOLD_NAMES, row["gold"]),
            **dict.fromkeys(PROMPT_NAMES[1:], row["prompt"]),
            **row["data"],
        }
        taken = self._taken(values)
        for one in self.parameters:  # a name nobody knows: most likely the gold
            if one.name not in taken and one.default is one.empty and _is_named(one):
                taken[one.name] = row["gold"]
        return self._call(**taken)

    def _reasoning_gym(self, rows: Sequence[Row]) -> Any:
        (row,) = rows
        entry = {"question": row["prompt"], "answer": row["gold"], "metadata": dict(row["data"])}
        return self._call(row["completion"], entry)

    def _openai(self, rows: Sequence[Row]) -> Any:
        (row,) = rows
        sample = {"output_text": row["completion"], "output_json": None, "choices": []}
        item = {"question": row["prompt"], "answer": row["gold"], **row["data"]}
        item |= {"reference_answer": row["gold"]}
        return self._call(sample, item)

    def _plain(self, rows: Sequence[Row]) -> Any:
        values = {name: column[0] for name, column in self._columns(rows).items()}
        return self._by_name(values, rows[0]["data"])

    def _plain_batch(self, rows: Sequence[Row]) -> Any:
        names = {name for row in rows for name in row["data"]}
        columns = {name: [row["data"].get(name) for row in rows] for name in names}
        return self._by_name(self._columns(rows), columns)

    def _columns(self, rows: Sequence[Row]) -> dict[str, list[Any]]:
        return {
            "text": [self.completion(row) for row in rows],
            "gold": [row["gold"] for row in rows],
            "prompt": [self.prompt(row) for row in rows],
            "data": [dict(row["data"]) for row in rows],
        }

    def _by_name(self, values: Mapping[str, Any], columns: Mapping[str, Any]) -> Any:
        """Call with the values by what parameters stand for, and columns by their names."""
        positional, keywords = [], {}
        own = {one.name for one in self.parameters if one.name in columns} - KNOWN_NAMES
        filled = [one.name for one in self.parameters if _is_filled(one) and one.name not in own]
        roles = roles_of(filled)
        for one in self.parameters:
            if one.name in own:
                value = columns[one.name]
            elif one.name not in roles or (one.default is not one.empty and not roles[one.name]):
                continue
            else:
                value = values.get(roles[one.name] or "data")
            if one.kind is one.KEYWORD_ONLY:
                keywords[one.name] = value
            else:
                positional.append(value)
        return self._call(*positional, **keywords)


def _without_functions(keywords: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if not callable(value)}


def _is_named(parameter: inspect.Parameter) -> bool:
    return parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)


def _is_filled(parameter: inspect.Parameter) -> bool:
    if not _is_named(parameter):
        return False
    return parameter.default is parameter.empty or _singular(parameter.name) in KNOWN_NAMES


def roles_of(names: Sequence[str]) -> dict[str, str]:
    """What each parameter of a plain function stands for: text, gold, prompt, data or "".

    `answer` is the gold beside a parameter that is surely the text, and the text otherwise.
    """
    roles = dict.fromkeys(names, "")
    for name in names:
        one = name if name in {*TEXT_NAMES, *GOLD_NAMES, *PROMPT_NAMES} else _singular(name)
        if one in TEXT_NAMES:
            roles[name] = "text"
        elif one in PROMPT_NAMES:
            roles[name] = "prompt"
        elif name in OTHER_NAMES:
            roles[name] = "data"
        elif one in GOLD_NAMES:
            roles[name] = "gold"
    for wanted in ("text", "gold"):
        if wanted not in roles.values():
            free = [name for name in names if not roles[name]]
            golds = [name for name in names if roles[name] == "gold"]
            if free:
                roles[free[0]] = wanted
            elif wanted == "text" and golds:
                roles["answer" if "answer" in golds else golds[0]] = "text"
    return roles
