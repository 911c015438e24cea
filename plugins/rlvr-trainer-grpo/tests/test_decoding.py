"""Our decoding loop: what it leaves out changes no answer, and it samples what it should."""

import pytest
import torch
from rlvr_trainer_grpo.decoding import Sampling, decode
from rlvr_trainer_grpo.models import load_model, load_tokenizer
from rlvr_trainer_grpo.packing import packed_attention

PROMPTS = [[5, 6, 7]] * 4 + [[8, 4]] * 4 + [[9]] * 4
END = 2


def answers(model, prompts=PROMPTS, *, seed=0, **options):
    split = {name: options.pop(name, True) for name in ("share_prompts", "drop_finished")}
    torch.manual_seed(seed)
    with torch.no_grad(), packed_attention(model):
        how = Sampling(**({"max_new_tokens": 12, "ends": {END, 4}} | options))
        return decode(model, prompts, how, **split)


@pytest.fixture(params=["llama", "gpt2"])
def model(request, tiny):
    return load_model(tiny(request.param), dtype=torch.float32)


def test_what_is_left_out_changes_no_answer(model):
    plain = answers(model, share_prompts=False, drop_finished=False)
    for options in ({"share_prompts": False}, {"drop_finished": False}, {}):
        found = answers(model, **options)
        assert found.ids == plain.ids
        assert found.entropy == pytest.approx(plain.entropy, abs=1e-5)
    assert found.decoded_slots < plain.decoded_slots == plain.plain_slots == found.plain_slots
    assert (found.prompt_tokens, found.plain_prompt_tokens) == (6, 24)


def test_likeliest_tokens_are_those_of_generate(model):
    config = {"do_sample": False, "max_new_tokens": 6, "eos_token_id": END, "pad_token_id": 0}
    for prompt in ([5, 6, 7], [9]):
        expected = model.generate(torch.tensor([prompt]), **config)[0, len(prompt) :].tolist()
        found = answers(model, [prompt, [7, 7, 7, 7]], top_k=1, ends={END}, max_new_tokens=6)
        assert found.ids[0] == expected


def test_answer_ends_at_its_first_end_token_or_the_limit(model):
    for ids in answers(model).ids:
        assert not {END, 4} & set(ids[:-1])
        assert ids[-1] in (END, 4) or len(ids) == 12


def test_tokens_come_as_often_as_they_are_likely(tiny):
    model = load_model(tiny(), dtype=torch.float32)
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[5, 6, 7]])).logits[0, -1]
    count = 20000
    for options, expected in (
        ({"temperature": 0.5}, (logits / 0.5).softmax(-1)),
        ({"top_k": 3}, truncated(logits.softmax(-1), lambda p: p >= p.topk(3).values[-1])),
        ({"top_p": 0.5}, nucleus(logits.softmax(-1), 0.5)),
        ({"min_p": 0.9}, truncated(logits.softmax(-1), lambda p: p >= 0.9 * p.max())),
    ):
        found = answers(model, [[5, 6, 7]] * count, max_new_tokens=1, **options).ids
        shares = torch.bincount(torch.tensor(found).squeeze(1), minlength=len(logits)) / count
        assert (shares - expected).abs().max() < 0.015, options
        assert (shares[expected == 0] == 0).all()


def truncated(chances, keeps):
    kept = chances.where(keeps(chances), 0.0)
    return kept / kept.sum()


def nucleus(chances, top_p):
    order = chances.argsort(descending=True)
    size = int((chances[order].cumsum(0) < top_p).sum()) + 1
    kept = torch.zeros_like(chances)
    kept[order[:size]] = chances[order[:size]]
    return kept / kept.sum()


def test_entropy_is_that_of_the_distribution_sampled_from(tiny):
    model = load_model(tiny(), dtype=torch.float32)
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[5, 6, 7]])).logits[0, -1] / 0.7
    expected = torch.distributions.Categorical(logits=logits).entropy()
    found = answers(model, [[5, 6, 7]] * 3, max_new_tokens=1, temperature=0.7)
    assert found.entropy == pytest.approx(float(expected), rel=1e-5)


def test_seed_decides(tiny):
    model = load_model(tiny(), dtype=torch.float32)
    assert answers(model).ids == answers(model).ids
    assert answers(model).ids != answers(model, seed=1).ids
    assert load_tokenizer(tiny()).eos_token_id == END
