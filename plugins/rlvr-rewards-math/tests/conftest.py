"""Public data sets beside the repository, where they are."""

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture
def data_file():
    """Gives the path of a file in ../shared/data, or skips the test."""

    def path(name):
        if not (DATA / name).is_file():
            pytest.skip(f"needs {name} in ../shared/data beside the repository")
        return DATA / name

    return path
