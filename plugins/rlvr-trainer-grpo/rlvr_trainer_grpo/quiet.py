"""Keep the libraries below from writing over the run's own output, and from taking every core."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars and notices of transformers, trl and datasets while the `with` lasts.

    Errors and other warnings still come through; what was set before is set again.
    """
    import datasets
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    dataset_bars = datasets.is_progress_bar_enabled()
    trl_logger = logging.getLogger("trl")
    trl_level = trl_logger.level
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
    # TRL warns with the whole row for each answer without a verdict; the run folder has those.
    trl_logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # TRL 1.16 still asks transformers 5.23 by the old name, at every generation.
            warnings.filterwarnings(
                "ignore",
                message="`is_gradient_checkpointing` is deprecated",
                category=FutureWarning,
            )
            # It says that TRL may change the interface; our dependency names the version.
            warnings.filterwarnings("ignore", message="You are using 'rollout_func'")
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        trl_logger.setLevel(trl_level)
        if bars:
            transformers_logging.enable_progress_bar()
        if dataset_bars:
            datasets.enable_progress_bars()


@contextmanager
def cpu_threads(threads: int | None) -> Iterator[None]:
    """Torch on this many CPU threads while the `with` lasts; None leaves the choice to torch.

    The threads of one operation wait for each other: beside other work, one thread can be forty
    times as fast as two (a 0.4 M parameter model on a busy two-core machine).
    """
    if threads is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
