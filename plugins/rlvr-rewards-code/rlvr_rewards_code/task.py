"""Reads what a task says about its tests: the format of `Task.data` for `code/tests`.

For functions:
    tests       text with `def check(candidate)`, `test_…` functions or plain assertions, or a list
                of statements, one test each
    entry_point the function that `check` is given, and that the program must define
    names       names that the program must define; read off the tests if left out
    setup       code that runs before the tests (imports, helpers)
    reference   a program that passes; its helpers serve `check`, its running time scales the limits
    prefix      what the model was to continue; put before a program without `entry_point`
    module      what tests import the program as; default `solution`

For scripts:
    cases       [{"input": text, "output": text}, …]
    compare     exact, lines (default), tokens or floats; `tolerance` for floats, default 1e-6
    checker     code with `check(given, output, expected)`, in place of `compare`
    reference   a program that passes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlvr_rewards_code.jail.compare import HOW
from rlvr_rewards_code.job import Case, FunctionTests, ScriptTests


class BadTask(ValueError):
    """A task's data does not say how to judge a program."""


def tests_of(data: Mapping[str, Any]) -> FunctionTests | ScriptTests:
    """The tests of a task.

    Raises:
        BadTask: they are not there, or of the wrong shape.
    """
    if "cases" in data:
        return _script_tests(data)
    tests = data.get("tests")
    if isinstance(tests, Sequence) and not isinstance(tests, str) and tests:
        texts = tuple(tests)
        if not all(isinstance(one, str) for one in texts):
            raise BadTask("data.tests must be a text or a list of texts")
        return _function_tests(data, texts)
    if isinstance(tests, str) and tests.strip():
        return _function_tests(data, tests)
    raise BadTask("the task has neither data.tests nor data.cases")


def _function_tests(data: Mapping[str, Any], tests: str | tuple[str, ...]) -> FunctionTests:
    names = data.get("names") or ()
    if isinstance(names, str) or not all(isinstance(one, str) for one in names):
        raise BadTask("data.names must be a list of texts")
    return FunctionTests(
        tests=tests,
        entry=_text(data, "entry_point"),
        names=tuple(names),
        setup=_text(data, "setup"),
        reference=_text(data, "reference"),
        module=_text(data, "module") or "solution",
    )


def _script_tests(data: Mapping[str, Any]) -> ScriptTests:
    cases = data["cases"]
    if isinstance(cases, str) or not isinstance(cases, Sequence) or not cases:
        raise BadTask("data.cases must be a list with at least one case")
    how, tolerance = data.get("compare") or "lines", data.get("tolerance", 1e-6)
    if how not in HOW:
        raise BadTask(f"data.compare is {how!r}, not one of {', '.join(HOW)}")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float):
        raise BadTask("data.tolerance must be a number")
    return ScriptTests(
        cases=tuple(_case(one, index) for index, one in enumerate(cases, 1)),
        how=how,
        tolerance=float(tolerance),
        checker=_text(data, "checker"),
        reference=_text(data, "reference"),
    )


def _case(case: Any, index: int) -> Case:
    if not isinstance(case, Mapping) or not isinstance(case.get("output"), str):
        raise BadTask(f"case {index} is no object with the texts input and output")
    return Case(given=_text(case, "input"), expected=case["output"])


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadTask(f"data.{key} must be a text")
    return value
