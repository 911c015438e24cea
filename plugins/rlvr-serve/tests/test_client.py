"""The client's half: retries that honour the server, one deadline, one key; TRL trains with it."""

import os
import threading

import httpx2
import pytest
from rlvr_serve.client import RemoteReward, RemoteRewardError
from rlvr_serve.rewards.app import reward_app
from rlvr_serve.web.running import serving
from rlvr_serve.web.settings import WebSettings


@pytest.fixture(scope="module")
def url():
    settings = WebSettings(port=0, access_log="", drain_delay_s=0)
    app = reward_app(["text/exact", "text/number"], settings=settings)
    with serving(app, settings) as url:
        yield url


def test_no_verdict_is_none_and_never_zero(url):
    reward = RemoteReward(url, "text/exact")
    values = reward(["?"] * 3, ["a", "b", "c"], answer=["a", "a", None])
    reward.close()
    assert values == [1.0, 0.0, None]


def test_a_large_batch_goes_in_parts_and_keeps_its_order(url):
    reward = RemoteReward(url, "text/exact", batch=100)
    answers = [str(row) for row in range(1050)]
    values = reward([""] * 1050, [row if int(row) % 3 else "x" for row in answers], answer=answers)
    reward.close()
    assert values == [0.0 if row % 3 == 0 else 1.0 for row in range(1050)]
    assert reward.tries == 11


class Moody:
    """Answers with the statuses that it is given, one after the other, and notes the requests."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        status = self.statuses.pop(0)
        if status is None:
            raise httpx2.ConnectError("refused")
        results = [{"id": 0, "value": 1.0, "status": "ok"}]
        headers = {"retry-after-ms": "1"}
        return httpx2.Response(status, json={"results": results}, headers=headers)


@pytest.mark.parametrize("failure", [429, 502, 503, 504, None])
def test_what_may_work_later_is_tried_again_with_the_same_key(failure):
    reward = RemoteReward("http://nowhere", deadline_s=20)
    moody = Moody(failure, failure, 200)
    reward._client = httpx2.Client(transport=httpx2.MockTransport(moody))
    assert reward.score([{"completion": "a"}])[0]["value"] == 1.0
    assert len({request.headers["idempotency-key"] for request in moody.requests}) == 1
    left = [int(request.headers["x-request-deadline-ms"]) for request in moody.requests]
    assert left == sorted(left, reverse=True)
    reward.close()


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 500])
def test_what_cannot_work_later_is_not_tried_again(status):
    reward = RemoteReward("http://nowhere")
    moody = Moody(status)
    reward._client = httpx2.Client(transport=httpx2.MockTransport(moody))
    with pytest.raises(RemoteRewardError, match=str(status)):
        reward.score([{"completion": "a"}])
    reward.close()


def test_a_server_that_stays_away_is_an_error_within_the_deadline():
    reward = RemoteReward("http://127.0.0.1:9", deadline_s=0.5)
    with pytest.raises(RemoteRewardError, match=r"did not answer within 0\.5 s"):
        reward.score([{"completion": "a"}])
    reward.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries that it trains with
def test_trl_trains_a_step_with_a_reward_over_http(url, tmp_path, monkeypatch):
    """One real GRPO step of a tiny model; every completion is judged by the server."""
    datasets = pytest.importorskip("datasets", reason="pip install datasets")
    trl = pytest.importorskip("trl", reason="pip install rlvr-trainer-grpo")
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    monkeypatch.setitem(os.environ, "CUDA_VISIBLE_DEVICES", "")
    torch.manual_seed(0)
    words = ["<pad>", "<eos>", *"0123456789+= "]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token=" "))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token=" "
    )
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        pad_token_id=0,
        eos_token_id=1,
    )
    rows = [{"prompt": f"{a}+{a}=", "answer": str(2 * a)} for a in range(4)]
    reward = RemoteReward(url, "text/number")
    seen = []

    def judged(prompts, completions, **columns):
        values = reward(prompts, completions, **columns)
        seen.append((threading.current_thread().name, values))
        return values

    trainer = trl.GRPOTrainer(
        model=LlamaForCausalLM(config),
        processing_class=fast,
        reward_funcs=[reward, judged],
        train_dataset=datasets.Dataset.from_list(rows),
        args=trl.GRPOConfig(
            output_dir=str(tmp_path),
            max_steps=1,
            per_device_train_batch_size=4,
            num_generations=4,
            max_completion_length=4,
            report_to="none",
            use_cpu=True,
            bf16=False,
            save_strategy="no",
            disable_tqdm=True,
        ),
    )
    trainer.train()
    logged = trainer.state.log_history[0]
    values = [value for value in seen[0][1] if value is not None]
    assert reward.tries == 2
    assert logged["rewards/text_number/mean"] == pytest.approx(sum(values) / len(values))
    reward.close()
