"""TRL's loggers get the numbers of a training under the names of docs/metrics.md."""

import importlib.util
import sys

import pytest
from rlvr_trainer_grpo import grpo

STEP = {"prompts_per_step": 2, "group_size": 4, "max_new_tokens": 3, "threads": 1, "save_steps": 0}
NUMBERS = ["reward", "reward/digit", "tokens/generated", "seconds/wall"]

# what the loggers' own packages warn of is not ours
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def trained(make_job, tiny):
    """Trains two steps with a logger; gives the job and the numbers of each step."""

    def train(logger, package=None, **options):
        if importlib.util.find_spec(package or logger) is None:
            pytest.skip(f"needs: pip install {package or logger}")
        rows = []
        job = make_job(model=tiny(), on_log=lambda step, numbers: rows.append(numbers))
        grpo(job, steps=2, report_to=logger, **STEP, **options)
        return job, rows

    return train


def test_tensorboard_shows_them_beside_the_model(trained, monkeypatch):
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    job, rows = trained("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(job.output.parent / "tensorboard"))
    events.Reload()
    for name in NUMBERS:
        shown = [(event.step, event.value) for event in events.Scalars(f"train/{name}")]
        expected = [(step, pytest.approx(row[name])) for step, row in enumerate(rows, start=1)]
        assert shown == expected
    ours = {f"train/{name}" for row in rows for name in row}
    at_the_end = {"train/epoch", "train/total_flos", "train/train_loss", "train/train_runtime"}
    at_the_end |= {"train/train_samples_per_second", "train/train_steps_per_second"}
    assert set(events.Tags()["scalars"]) - at_the_end == ours


def test_wandb_keeps_them_for_a_later_sync(trained, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    trained("wandb", run_name="tiny")
    import wandb

    wandb.teardown()  # ends its service, which writes the file in its own time
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    content = file.read_bytes()
    for name in NUMBERS:
        assert f"train/{name}".encode() in content


def test_mlflow_stores_them(trained, monkeypatch, tmp_path):
    store = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    _, rows = trained("mlflow")
    import mlflow
    from mlflow.tracking import MlflowClient

    mlflow.flush_async_logging()

    client = MlflowClient(store)
    (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()])
    for name in NUMBERS:
        history = client.get_metric_history(run.info.run_id, name)
        assert [one.value for one in history] == [pytest.approx(row[name]) for row in rows]


def test_trackio_stores_them(trained, monkeypatch, tmp_path):
    pytest.importorskip("trackio", reason="pip install trackio runs this")
    for module in [one for name, one in sys.modules.items() if name.partition(".")[0] == "trackio"]:
        monkeypatch.setattr(module, "TRACKIO_DIR", tmp_path, raising=False)
    _, rows = trained("trackio", project="tiny")
    from trackio.sqlite_storage import SQLiteStorage

    (run,) = SQLiteStorage.get_runs("tiny")
    logs = [row for row in SQLiteStorage.get_logs("tiny", run) if f"train/{NUMBERS[0]}" in row]
    for name in NUMBERS:
        assert [row[f"train/{name}"] for row in logs] == [pytest.approx(row[name]) for row in rows]
