"""The checks for plugin authors: the echo plugin passes them, and each mistake is explained."""

import itertools
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from rlvr_ops_core import Sample, Score, StopRun, Task, reward, testing
from rlvr_ops_core.builtin import text
from rlvr_ops_core.plugins import load_file
from rlvr_ops_core.reward_spec import UNDECIDED
from rlvr_ops_core.testing import (
    TASKS,
    check_data_source,
    check_monitor,
    check_reward,
    check_sampler,
    check_server,
    check_trainer,
    whole_run,
)

ECHO = load_file(Path(__file__).parent / "echo" / "rlvr_echo.py")


# What is right passes


@pytest.mark.parametrize("name", ECHO.rlvr_rewards())
def test_the_echo_rewards_pass(name):
    right, wrong = check_reward(ECHO.rlvr_rewards()[name])
    assert right.value == (0 if name == "brief" else 1)
    assert wrong.value < 1 or name == "brief"


@pytest.mark.parametrize("name", text.rlvr_rewards())
def test_the_text_rewards_pass(name):
    gold = "yes" if name == "choice" else "4"
    check_reward(text.rlvr_rewards()[name], samples=[Sample(Task("t", "q", gold), gold)])


def test_the_other_echo_components_pass(tmp_path):
    assert len(check_data_source(ECHO.sums, split="test", limit=7)) == 7
    logged = check_trainer(ECHO.Learn, steps=4, model="skill=0.5", folder=tmp_path)
    assert [step for step, _ in logged] == [1, 2, 3, 4]
    answers = check_sampler(ECHO.answer, model=tmp_path / "output")
    assert [len(group) for group in answers] == [2] * len(TASKS)
    assert check_server(ECHO.hello, tmp_path / "output").startswith(b'{"skill"')
    assert check_monitor(ECHO.tape, path=tmp_path / "events.jsonl") == ""
    assert "step 2" in check_monitor(ECHO.tape, stop_at=2)
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == len(whole_run())


def test_a_fast_path_is_compared_with_the_reward():
    def undecided(sample):
        return 1.0 if sample.final == sample.task.answer else UNDECIDED

    @reward(fast=undecided)
    def exact(sample):
        return sample.final == sample.task.answer

    check_reward(exact)


def test_checks_load_no_test_framework():
    import subprocess

    code = "import sys, rlvr_ops_core.testing; sys.exit('pytest' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# Mistakes are explained


def takes_text(text):
    return 1.0


def raises(sample):
    return 1.0 / len(sample.final)


def exits(sample):
    sys.exit(3)


def too_high(sample):
    return 2.0


def returns_text(sample):
    return "good"


COUNT = itertools.count()


def changes(sample):
    return (next(COUNT) % 7) / 7


def wrong_length(samples):
    return [1.0]


async def broken_judge(sample):
    raise ValueError("no network")


@reward(inline=True)
def slow(sample):
    time.sleep(1.1 if len(sample.text) > 1_000_000 else 0)
    return 1.0


@reward(components=("right",))
def undeclared(sample):
    return Score(1.0, components={"wrong": 1.0})


@reward(fast=lambda sample: 1.0)
def hasty(sample):
    return sample.final == sample.task.answer


def bad_option(sample, *, limit: "Unknown"):  # noqa: F821
    return 1.0


def needs_limit(sample, *, limit: int):
    return 1.0


BAD_REWARDS = [
    (takes_text, {}, "takes 'text' first[^$]*name the first parameter"),
    (raises, {}, "on '' the reward raised: ZeroDivisionError"),
    (exits, {}, "the reward raised: SystemExit: 3"),
    (too_high, {}, r"on '2': 2.0 is outside the declared range \[0, 1\]"),
    (returns_text, {}, "not str 'good'"),
    (changes, {}, "at first, then .*always be judged the same"),
    (wrong_length, {}, "1 results for 2 samples"),
    (broken_judge, {}, "the reward raised: ValueError: no network"),
    (slow, {}, "an inline reward took 1.1 s for the completion '2 MB'"),
    (undeclared, {}, "components .'wrong'. are not declared"),
    (hasty, {}, "on '3': the fast path gives 1.0, the reward 0.0"),
    (bad_option, {}, "the options are refused: the options of 'bad_option' can't be read"),
    (needs_limit, {}, "limit: is required"),
    (needs_limit, {"limit": "many"}, "limit: .*many"),
    (needs_limit, {"limit": 1, "limt": 2}, 'did you mean "limit"'),
]


@pytest.mark.parametrize(
    ("component", "options", "says"), BAD_REWARDS, ids=[row[2][:30] for row in BAD_REWARDS]
)
def test_what_is_wrong_with_a_reward_is_said(component, options, says):
    with pytest.raises(AssertionError, match=says):
        check_reward(component, **options)


def source(*tasks):
    return lambda: iter(tasks)


def no_limit(*, limit=1):
    return (Task(str(n), "p") for n in range(5))


def reads_no_file(*, path="x"):
    raise FileNotFoundError(path)


def other_tasks():
    yield Task("a", f"{next(COUNT)}")


BAD_SOURCES = [
    (source(), {}, "gives no task"),
    (source("text"), {}, "task 0: must be a Task, not str"),
    (source(Task("", "p")), {}, "task 0: the id is empty"),
    (source(Task(7, "p")), {}, "task 0: the id must be a text"),
    (source(Task("a", "")), {}, "task 0: the prompt is empty"),
    (source(Task("a", "p"), Task("a", "q")), {}, "ids .'a'. are there twice"),
    (source(Task("a", "p", (1, 2))), {}, "answer does not survive JSON"),
    (source(Task("a", "p", float("nan"))), {}, "answer is not JSON"),
    (source(Task("a", "p", 1, {"x": {1}})), {}, "data is not JSON"),
    (other_tasks, {}, "gives other tasks"),
    (no_limit, {"limit": 2}, "limit is 2, but it gives 5"),
    (reads_no_file, {}, "can't be read: FileNotFoundError: x"),
]


@pytest.mark.parametrize(
    ("component", "options", "says"), BAD_SOURCES, ids=[row[2][:30] for row in BAD_SOURCES]
)
def test_what_is_wrong_with_a_data_source_is_said(component, options, says):
    with pytest.raises(AssertionError, match=says):
        check_data_source(component, **options)


def writes_nothing(job):
    job.log(1, loss=0.5)


def logs_nan(job):
    (job.output / "model").touch()
    job.log(1, loss=float("nan"))


def goes_back(job):
    (job.output / "model").touch()
    job.log(2, loss=0.5)
    job.log(1, loss=0.5)


def cannot_resume(job):
    (job.checkpoints / "folder").mkdir()
    (job.output / "model").touch()


def scores_nothing(job):
    job.score([], step=1)


@pytest.mark.parametrize(
    ("component", "says"),
    [
        (writes_nothing, "wrote nothing into job.output"),
        (logs_nan, "step 1: loss is nan"),
        (goes_back, "step 1 is logged after step 2"),
        (cannot_resume, r"the trainer raised \(output-again\): FileExistsError"),
        (scores_nothing, "given no samples at step 1"),
    ],
)
def test_what_is_wrong_with_a_trainer_is_said(component, says):
    with pytest.raises(AssertionError, match=says):
        check_trainer(component)


def too_few(model, tasks, *, samples, seed):
    yield from ([Sample(task, "x")] for task in tasks)


def skips_a_task(model, tasks, *, samples, seed):
    for task in tasks[1:]:
        yield [Sample(task, "x", index=index) for index in range(samples)]


def no_index(model, tasks, *, samples, seed):
    yield from ([Sample(task, "x")] * samples for task in tasks)


def wrong_order(model, tasks, *, samples, seed):
    for task in reversed(tasks):
        yield [Sample(task, "x", index=index) for index in range(samples)]


def forgets_the_seed(model, tasks, *, samples, seed):
    for task in tasks:
        yield [Sample(task, str(next(COUNT)), index=index) for index in range(samples)]


@pytest.mark.parametrize(
    ("component", "says"),
    [
        (too_few, "task 'sum/1': 1 answers, 2 were asked for"),
        (skips_a_task, "3 lists of answers to 4 tasks"),
        (no_index, r"indexes \[0, 0\]; count from 0"),
        (wrong_order, "answers to another task"),
        (forgets_the_seed, "the same seed gives other answers"),
    ],
)
def test_what_is_wrong_with_a_sampler_is_said(component, says):
    with pytest.raises(AssertionError, match=says):
        check_sampler(component)


@contextmanager
def no_url(target):
    yield 8000


@contextmanager
def silent(target):
    yield "http://127.0.0.1:1"


def test_what_is_wrong_with_a_server_is_said(tmp_path):
    with pytest.raises(AssertionError, match="give its URL as a text, not 8000"):
        check_server(no_url, tmp_path)
    with pytest.raises(AssertionError, match=r"http://127.0.0.1:1 does not answer: URLError"):
        check_server(silent, tmp_path)
    (tmp_path / "model.json").write_text('{"skill": 1}')
    with ECHO.hello(tmp_path) as url:

        @contextmanager
        def stays(target):
            yield url

        with pytest.raises(AssertionError, match="still answers after the with block"):
            check_server(stays, tmp_path)


def test_what_is_wrong_with_a_monitor_is_said():
    with pytest.raises(AssertionError, match="must return a function of an event, not None"):
        check_monitor(lambda: None)
    with pytest.raises(AssertionError, match="the monitor raised on 'run_started': TypeError"):
        check_monitor(lambda: lambda event: event.step > 3)
    with pytest.raises(AssertionError, match="the monitor raised on 'metrics': ValueError"):
        check_monitor(ECHO.tape, raise_at=2)

    def stops():
        def watch(event):
            raise StopRun("enough")

        return watch

    assert check_monitor(stops) == "enough"


def test_every_check_is_exported_and_documented():
    for name in testing.__all__:
        thing = getattr(testing, name)
        assert not callable(thing) or thing.__doc__, name
