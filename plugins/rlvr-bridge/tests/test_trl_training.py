"""A real training step of TRL's GRPOTrainer, on a model made from a configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from rlvr_bridge import trl as bridge
from rlvr_bridge.scorer import close_all
from rlvr_bridge.tasks import encode_task

from rlvr_ops_core import Task

pytest.importorskip("trl", reason='pip install "trl>=1.16" runs this')
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*checkpointing.*:FutureWarning"),
]

RAGGED_FILE = Path(__file__).parent / "ragged.py"
ECHO_FILE = Path(__file__).resolve().parents[3] / "tests" / "echo" / "rlvr_echo.py"
WORDS = ["<pad>", "<eos>", "<unk>", *map(str, range(10)), "+", "="]


def tiny_model() -> tuple[Any, Any]:
    """Two layers and a vocabulary of ten digits."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

    torch.manual_seed(0)
    words = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="<unk>")
    )
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        pad_token_id=0,
        eos_token_id=1,
    )
    return AutoModelForCausalLM.from_config(config), tokenizer


def train(folder: Path, functions: list[Any], rows: list[dict[str, Any]], **config: Any) -> Any:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    model, tokenizer = tiny_model()
    arguments = GRPOConfig(
        output_dir=str(folder / "out"),
        per_device_train_batch_size=8,
        num_generations=4,
        max_completion_length=4,
        max_steps=2,
        logging_steps=1,
        report_to=[],
        log_completions=True,
        use_cpu=True,
        save_strategy="no",
        disable_tqdm=True,
        **config,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=functions,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    before = {name: value.clone() for name, value in model.named_parameters()}
    trainer.train()
    changed = any(not value.equal(before[name]) for name, value in model.named_parameters())
    return trainer, changed


def sums() -> list[dict[str, Any]]:
    pairs = [(a, b) for a in range(4) for b in range(4)]
    return [{"prompt": f"{a} + {b} =", "answer": str(a + b)} for a, b in pairs]


def test_trl_trains_with_our_rewards_and_logs_their_parts(tmp_path: Path) -> None:
    import pandas

    function = bridge.reward(
        {
            "right": {"use": "text/number"},
            "tidy": {"use": "text/length", "soft": 2, "hard": 8, "weight": 0.5},
        },
        name="ours",
    )
    later = bridge.async_reward("text/number", name="ours_async")
    trainer, changed = train(tmp_path, [function, later], sums())
    assert changed
    logged = [row for row in trainer.state.log_history if "reward" in row]
    assert len(logged) == 2
    for row in logged:
        assert 0 <= row["rewards/ours_async/mean"] <= 1
        total = row["reward/right"] + 0.5 * row["reward/tidy"]
        assert row["rewards/ours/mean"] == pytest.approx(total, abs=1e-5)
        assert row["ours/no_verdict"] == 0
    (first, _) = sorted((tmp_path / "out" / "completions").glob("*.parquet"))
    table = pandas.read_parquet(first)
    assert {"ours/status", "ours/right", "ours/tidy", "ours/reason", "ours"} <= set(table.columns)
    assert set(table["ours/status"]) == {"ok"}


def test_a_task_column_and_a_group_reward_reach_the_rewards(tmp_path: Path) -> None:
    rows = [
        {"prompt": row["prompt"], "rlvr_task": encode_task(Task("1", row["prompt"], row["answer"]))}
        for row in sums()
    ]
    seen: list[tuple[int, set[str | None]]] = []

    def watch(samples: Any, verdicts: Any) -> None:
        seen.append((len(samples), {sample.task.answer for sample in samples}))

    best = bridge.reward(
        "ragged/best_of", plugins=[RAGGED_FILE], group_size=4, on_verdicts=watch, name="best"
    )
    trainer, _ = train(tmp_path, [best], rows)
    assert [count for count, _ in seen] == [8, 8]
    assert all(answers <= {str(n) for n in range(7)} for _, answers in seen)
    means = [row["rewards/best/mean"] for row in trainer.state.log_history if "reward" in row]
    assert all(mean >= 0.25 for mean in means)


def test_an_answer_without_a_verdict_teaches_nothing_and_the_budget_stops_the_run(
    tmp_path: Path,
) -> None:
    from rlvr_ops_core import ErrorBudgetExceeded

    if not ECHO_FILE.is_file():
        pytest.skip("needs the repository: tests/echo/rlvr_echo.py")
    rows = [{"prompt": row["prompt"]} for row in sums()]
    abstains = bridge.reward("text/number", name="abstains")
    trainer, changed = train(tmp_path, [abstains], rows)
    assert not changed
    assert all(row["abstains/no_verdict"] == 1 for row in trainer.state.log_history[:2])

    breaks = bridge.reward(
        "bridge/plain", options={"function": "math:factorial", "high": 10.0}, name="breaks"
    )
    with pytest.raises(ErrorBudgetExceeded, match="got no verdict"):
        train(tmp_path, [breaks], sums())
    close_all()
