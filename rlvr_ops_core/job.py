"""What a trainer is given: a model to start from, tasks, the rewards, and ways to report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rlvr_ops_core.types import BoundEnvironment, Sample, Task, Verdict

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T", bound=Callable[..., Any])

NEEDS_ATTRIBUTE = "__rlvr_needs__"
TAKES_ENVIRONMENT_ATTRIBUTE = "__rlvr_takes_environment__"
LAUNCHES_ATTRIBUTE = "__rlvr_launches__"


def needs(*names: Literal["model", "data", "rewards"]) -> Callable[[T], T]:
    """Declare what a stage must name for a trainer, so that `rlvr check` finds it missing.

    Example:
        >>> from rlvr_ops_core import needs
        >>> @needs("model", "data", "rewards")
        ... def my_grpo(job, *, steps: int) -> None: ...
    """

    def declare(trainer: T) -> T:
        setattr(trainer, NEEDS_ATTRIBUTE, names)
        return trainer

    return declare


def takes_environment(trainer: T) -> T:
    """Declare that a trainer plays `job.environment` where a stage has one.

    `rlvr check` refuses an environment with any other trainer. A sampler needs no declaration: it
    takes one if it has a keyword-only parameter `environment`.
    """
    setattr(trainer, TAKES_ENVIRONMENT_ATTRIBUTE, True)
    return trainer


@dataclass(frozen=True, kw_only=True)
class Launch:
    """In how many processes a training runs, and what starts them: `launch:` of a pipeline."""

    engine: str
    """`torchrun` or `ray`."""
    processes: int
    restarts: int = 3
    """How often all processes are started anew, from the last checkpoint, when one has died."""
    accelerate_config: str = ""
    """torchrun: a file of accelerate's that says more (FSDP, DeepSpeed); "" for none."""
    address: str = ""
    """Ray: the cluster to join; "" starts one on this machine."""
    resources: Mapping[str, float] = field(default_factory=dict)
    """Ray: what each process takes, `{CPU: 4, GPU: 1}`."""


def launches(*engines: Literal["torchrun", "ray"]) -> Callable[[T], T]:
    """Declare that a trainer starts the processes of `job.launch` itself, with these engines.

    `rlvr check` refuses `launch:` in a stage whose trainer declares nothing.
    """

    def declare(trainer: T) -> T:
        setattr(trainer, LAUNCHES_ATTRIBUTE, engines)
        return trainer

    return declare


@dataclass(frozen=True)
class Judged:
    """Samples that were judged beforehand: their verdicts, and when, by `time.perf_counter`."""

    verdicts: Sequence[Verdict]
    began: float
    ended: float


def _no_rewards(_samples: Sequence[Sample], _step: int | None) -> list[Verdict]:
    raise ValueError("this stage names no rewards; add rewards: [...] to it")


def _not_beforehand(_samples: Sequence[Sample]) -> None:
    """Judge nothing before `score` asks."""


def _no_log(step: int, metrics: dict[str, float]) -> None:
    """Report nowhere."""


def _no_rewind(step: int) -> None:
    """Nothing was reported, so nothing is taken back."""


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """One training stage, as the trainer sees it.

    A job made by hand (in a test, say) needs `tasks`, `output` and `checkpoints` alone.
    """

    tasks: Sequence[Task]
    output: Path
    """An empty folder for the trained model: complete once the trainer returns."""
    checkpoints: Path
    """A folder that outlives a kill. A trainer that finds a checkpoint here goes on from it."""
    model: str = ""
    """Where training starts: a hub id, a folder, a GGUF file; "" if the pipeline names none."""
    seed: int = 0
    """The seed of this stage; every random choice comes from a generator made from it."""
    stage: str = "train"
    launch: Launch | None = None
    """The processes to train in; None trains in this one."""
    rewards: tuple[str, ...] = ()
    """Names of the rewards that `score` sums, as the pipeline gives them."""
    environment: BoundEnvironment | None = None
    """What answers are given to, turn by turn. `score` then wants samples whose `played` says how
    the conversation ended; what the environment paid is among the parts that it sums."""
    on_score: Callable[[Sequence[Sample], int | None], list[Verdict]] = field(default=_no_rewards)
    on_begin_scoring: Callable[[Sequence[Sample]], Future[Judged] | None] = field(
        default=_not_beforehand
    )
    on_log: Callable[[int, dict[str, float]], None] = field(default=_no_log)
    on_rewind: Callable[[int], None] = field(default=_no_rewind)

    def score(self, samples: Sequence[Sample], *, step: int | None = None) -> list[Verdict]:
        """One verdict a sample, in order; they are kept in the run folder with `step`.

        Raises:
            ErrorBudgetExceeded: too many samples got no verdict.
            StopRun: a monitor ended the run.
        """
        return self.on_score(samples, step)

    def begin_scoring(self, samples: Sequence[Sample]) -> Future[Judged] | None:
        """Start judging whole groups that are complete while others are still being written.

        The next `score`, which must ask for these very objects, then need not judge them. None if
        nothing is judged beforehand: a reward wants all answers at once, or nobody waits here.
        """
        return self.on_begin_scoring(samples)

    def log(self, step: int, **metrics: float) -> None:
        """Report numbers of one optimizer step; they reach the run folder and every monitor.

        Raises:
            StopRun: a monitor ended the run.
        """
        self.on_log(step, metrics)

    def rewind(self, step: int) -> None:
        """Take back what was reported after `step`: the trainer goes on from its checkpoint."""
        self.on_rewind(step)
