"""Upload a trained model to the Hugging Face hub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from rlvr_ops_core import ModelError


def open_repository(repository: str) -> None:
    """Make the repository where there is none: before a training, so that it is not in vain.

    Of several processes, the first does it.

    Raises:
        ModelError: nobody is logged in, or the hub can't be reached or refuses.
    """
    from huggingface_hub import HfApi, get_token

    if os.environ.get("RANK", "0") != "0":
        return
    if get_token() is None:
        raise ModelError(
            f"push_to_hub: {repository}: there is no token for the hub",
            hint="log in with `hf auth login`, or set HF_TOKEN; it must be allowed to write",
        )
    with _refusals(repository, "it is asked before the training starts; `hf auth whoami` says who"):
        HfApi().create_repo(repository, exist_ok=True)


def push(folder: Path, repository: str) -> None:
    """Upload a model folder as one commit.

    Raises:
        ModelError: the hub can't be reached or refuses; the folder stays as it is.
    """
    from huggingface_hub import HfApi

    later = f"the trained model lies in {folder}; log in with `hf auth login`"
    with _refusals(repository, later):
        HfApi().upload_folder(repo_id=repository, folder_path=str(folder))


@contextmanager
def _refusals(repository: str, hint: str) -> Iterator[None]:
    """Whatever keeps a model from the hub, as one error."""
    from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled
    from huggingface_hub.errors import HTTPError as HubError  # type: ignore[attr-defined]  # re-export

    bars: Any = import_module("huggingface_hub.utils")  # mypy takes what is in it for private
    are_shown = not bars.are_progress_bars_disabled()
    bars.disable_progress_bars()
    try:
        yield
    except (HubError, HFValidationError, OfflineModeIsEnabled, OSError, RuntimeError) as error:
        first = error.__cause__ or error  # an upload's own error stands behind
        reason = next((line for line in str(first).splitlines() if line.strip()), repr(first))
        raise ModelError(
            f'the model can\'t be pushed to "{repository}": {reason}', hint=hint
        ) from error
    finally:
        if are_shown:
            bars.enable_progress_bars()
