"""The report of a run: one HTML page that needs nothing else, and a Markdown summary.

Both are written from the run folder alone, at any time: while the run goes on, after a failure, or
when all is done. What models wrote is hostile: on the page it is data that only ever becomes text.
"""

from __future__ import annotations

from pathlib import Path

from rlvr_ops_core.report.page import page
from rlvr_ops_core.report.summary import summary
from rlvr_ops_core.report.view import read_view

__all__ = ["write_report"]

ROWS_PER_STAGE = 2_000


def write_report(run_folder: Path, *, rows_per_stage: int = ROWS_PER_STAGE) -> tuple[Path, Path]:
    """Writes `report.html` and `report.md` into the run folder and gives their paths.

    The page holds about `rows_per_stage` answers of each stage, spread evenly over its prompts.

    Raises:
        RunError: the folder holds no run.
    """
    view = read_view(run_folder, rows_per_stage=rows_per_stage)
    return (
        _write(run_folder / "report.html", page(view)),
        _write(run_folder / "report.md", summary(view)),
    )


def _write(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}.part")
    # half a surrogate pair, which JSON may carry, is no UTF-8: it becomes a question mark
    draft.write_bytes(text.encode("utf-8", errors="replace"))
    return draft.replace(path)
