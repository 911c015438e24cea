"""Conversations with an environment: which tokens are whose, and what is learned from them."""

import pytest
import torch
from copy_digits import judge
from rlvr_trainer_grpo import dapo, grpo, sample, sft
from rlvr_trainer_grpo.models import load_model, load_tokenizer
from rlvr_trainer_grpo.policy_trainer import FrugalTraining
from rlvr_trainer_grpo.pruning import Pruning
from rlvr_trainer_grpo.savings import OFF, Savings
from rlvr_trainer_grpo.turns import Wording
from test_gradients import assert_same, gradients, make_batch

from rlvr_ops_core import DataError, Played, Task, Verdict

STEP = {"prompts_per_step": 2, "group_size": 4, "max_new_tokens": 2, "threads": 1}


class Digits:
    """Says `1` to each answer, for so many turns; what it does at one of them can be set."""

    def __init__(self, *, turns=3, told="1 1", max_turns=8, opening="", broken=lambda task: None):
        self.turns, self.told, self.max_turns = turns, told, max_turns
        self.opening, self.broken = opening, broken
        self.asked = []

    def play(self, talks):
        self.asked.append([list(answers) for _, answers in talks])
        return [self._played(task, len(answers)) for task, answers in talks]

    def _played(self, task, count):
        at = self.broken(task)
        if at is not None and count >= at:
            return Played(status="error", done=True, turns=count, info={"error": "it broke"})
        told = self.told if count else self.opening
        return Played(told, reward=0.5 * count, turns=count, done=count == self.turns)


def play_pays(samples, step):
    """What the environment paid; nothing where it broke, as the core has it."""
    return [
        Verdict(None, "error") if one.played.status != "ok" else Verdict(one.played.reward)
        for one in samples
    ]


def tasks(count=8, chat=False):
    return [
        Task(f"t{n}", [{"role": "user", "content": f"{n}"}] if chat else f"{n} =", answer="1")
        for n in range(count)
    ]


def conversations(make_job, train=grpo, **fields):
    """All samples of two steps, and what was logged."""
    seen, rows = [], []
    options = STEP | fields.pop("options", {})

    def score(samples, step):
        seen.extend(samples)
        return fields.get("on_score", judge)(samples, step)

    job = make_job(**(fields | {"on_score": score, "on_log": lambda _, row: rows.append(row)}))
    train(job, steps=2, **options)
    return seen, rows


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_what_the_model_was_told_is_in_the_tokens_where_it_was_told(make_job, tiny, family):
    seen, rows = conversations(make_job, model=tiny(family), environment=Digits(), tasks=tasks())
    tokenizer = load_tokenizer(tiny(family))
    assert len(seen) == 16
    for one in seen:
        said = [m["content"] for m in one.messages if m["role"] == "assistant"]
        told = [m["content"] for m in one.messages if m["role"] == "user"]
        assert told == ["1 1"] * len(told)
        whole = tokenizer.decode(one.token_ids, skip_special_tokens=True).split()
        pieces = [piece for m in one.messages for piece in m["content"].split()]
        if one.played.done:
            assert pieces[: len(whole)] == whole  # what was told last is in no token
            assert one.finish == "stop"
        assert len(said) == one.played.turns + (one.finish == "length")
    assert {one.finish for one in seen} <= {"stop", "length"}
    assert rows[0]["turns"] == sum(one.played.turns for one in seen[:8]) / 8


def test_batch_masks_what_the_model_was_told(make_job, tiny, monkeypatch):
    batches = []
    plain = FrugalTraining._parts
    monkeypatch.setattr(
        FrugalTraining, "_parts", lambda self, batch: batches.append(batch) or plain(self, batch)
    )
    environment = Digits(told="9 9 9")
    seen, _ = conversations(make_job, model=tiny(), environment=environment, tasks=tasks())
    for batch, samples in zip(batches, (seen[:8], seen[8:]), strict=True):
        own = batch["completion_mask"] * batch["tool_mask"]
        assert int(batch["num_items_in_batch"]) == int(own.sum())
        told = batch["completion_mask"] * (1 - batch["tool_mask"])
        messages = [sum(m["role"] == "user" for m in one.messages) for one in samples]
        unheard = sum(one.played.done for one in samples)  # what is told last is in no token
        assert int(told.sum()) == 3 * (sum(messages) - unheard)
        nine = load_tokenizer(tiny()).convert_tokens_to_ids("9")
        assert (batch["completion_ids"][told.bool()] == nine).all()


def test_gradient_is_that_of_the_models_own_tokens(tiny, tmp_path):
    """Beside the plain policy gradient, written out."""
    batch = make_batch(tool_mask=True, idle=())
    del batch["old_per_token_logps"], batch["ref_per_token_logps"]
    ours, trainer = gradients(tiny(), tmp_path, batch, Savings())
    assert trainer.is_packed
    model = load_model(tiny(), dtype=torch.float32)
    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1)
    mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1)
    width = batch["completion_ids"].shape[1]
    logits = model(input_ids=ids, attention_mask=mask).logits[:, -width - 1 : -1]
    logp = logits.log_softmax(-1).gather(2, batch["completion_ids"][:, :, None]).squeeze(2)
    own = batch["completion_mask"] * batch["tool_mask"]
    (-(batch["advantages"][:, None] * logp * own).sum() / own.sum()).backward()
    assert_same(ours, {name: one.grad for name, one in model.named_parameters()})


def test_conversation_that_breaks_has_no_verdict_and_the_others_go_on(make_job, tiny):
    broken = {"t1": 0, "t2": 1}
    seen, rows = conversations(
        make_job,
        model=tiny(),
        tasks=tasks(4),
        environment=Digits(broken=lambda task: broken.get(task.id)),
        on_score=play_pays,
        options={"shuffle": False},
    )
    by_task = {}
    for one in seen:
        by_task.setdefault(one.task.id, []).append(one)
    assert {one.finish for one in by_task["t1"]} == {"error"}
    assert all(one.messages == () for one in by_task["t1"])
    assert all(one.played.status == "ok" for one in by_task["t0"] + by_task["t3"])
    failed = [sum(o.played.status != "ok" for o in seen[at : at + 8]) / 8 for at in (0, 8)]
    assert [row["environment_failed"] for row in rows] == failed
    assert [row["no_verdict"] for row in rows] == failed


def test_turns_are_limited(make_job, tiny):
    environment = Digits(turns=99, max_turns=2)
    seen, rows = conversations(make_job, model=tiny(), environment=environment, tasks=tasks())
    assert {one.finish for one in seen} <= {"max_turns", "length"}
    assert max(one.played.turns for one in seen) == 2
    assert rows[0]["unfinished"] == 1.0


def test_a_conversation_ends_where_the_context_is_full(make_job, tiny):
    environment = Digits(turns=99, max_turns=50, told="1 2 3 4 5 6 7 8")
    seen, _ = conversations(make_job, model=tiny(), environment=environment, tasks=tasks())
    assert all(len(one.token_ids) <= 30 for one in seen)
    assert all(one.finish == "length" for one in seen)


@pytest.mark.parametrize(
    "options",
    [
        {"savings": OFF},
        {"pruning": Pruning(resample_rounds=2, keep_answers=2)},
        {"pruning": Pruning(first_answers=2)},
    ],
)
def test_an_environment_goes_with_pruning_and_without_savings(make_job, tiny, options):
    seen, rows = conversations(
        make_job,
        train=dapo,
        model=tiny(),
        environment=Digits(),
        tasks=tasks(),
        on_score=play_pays,
        options=options,
    )
    assert all(one.played is not None for one in seen)
    assert len(rows) == 2


def test_messages_go_through_the_chat_template(make_job, chatty):
    told = [{"role": "tool", "content": "7"}]
    seen, _ = conversations(
        make_job,
        model=chatty,
        tasks=tasks(chat=True),
        environment=Digits(told=told, opening="2"),
    )
    for one in seen:
        assert one.messages[0] == {"role": "user", "content": "2"}
        assert all(m["content"] == "7" for m in one.messages if m["role"] == "tool")


def test_messages_to_a_model_of_text_are_refused(make_job, tiny):
    environment = Digits(told=[{"role": "tool", "content": "7"}])
    with pytest.raises(DataError, match=r"answers with messages, but the prompt of task t\d is"):
        conversations(make_job, model=tiny(), environment=environment, tasks=tasks())


CHATML = (
    "{% for m in messages %}<s>{{ m.role }} {{ m.content }}</s> \n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant {% endif %}"
)


class Letters:
    """A tokenizer of characters, `</s>` being one token, with a template that closes messages."""

    chat_template = CHATML
    eos_token_id = 0

    def __call__(self, text, add_special_tokens=True):
        parts = text.split("</s>")
        ids = [[*map(ord, part), 0] for part in parts]
        return {"input_ids": [one for part in ids for one in part][:-1]}

    def apply_chat_template(self, messages, *, add_generation_prompt, return_dict):
        import jinja2

        text = jinja2.Template(CHATML).render(
            messages=messages, add_generation_prompt=add_generation_prompt
        )
        return self(text)

    def decode(self, ids, skip_special_tokens=False):
        return "".join(chr(one) if one else "" if skip_special_tokens else "</s>" for one in ids)


@pytest.mark.parametrize("closed", [True, False])
def test_a_whole_conversation_has_the_tokens_of_its_template(closed):
    words = Wording(tokenizer=Letters(), ends={0})
    task = Task("t", [{"role": "user", "content": "hi"}])
    said, told = {"role": "assistant", "content": "yes"}, {"role": "user", "content": "no"}
    answer = Letters()("yes")["input_ids"] + [0] * closed
    ids = words.opening_ids(task, "") + answer
    ids += words.reply_ids(task, "no", after=ids)
    whole = Letters().apply_chat_template(
        [*task.messages, said, told], add_generation_prompt=True, return_dict=True
    )
    assert ids == whole["input_ids"]
    assert words.opening_ids(task, "there") == words.opening_ids(
        Task("t", [{"role": "user", "content": "hi\n\nthere"}]), ""
    )


def test_demonstrated_conversation_is_learned_where_the_assistant_speaks(tiny):
    tokenizer = load_tokenizer(tiny())
    words = Wording(tokenizer=tokenizer, ends={tokenizer.eos_token_id})
    shown = [
        {"role": "user", "content": "9"},
        {"role": "assistant", "content": "1 2"},
        {"role": "user", "content": "8"},
        {"role": "assistant", "content": "3"},
    ]
    ids, learned = words.demonstration_ids(Task("t", "5 ="), shown)
    end = tokenizer.eos_token
    assert tokenizer.decode(ids) == f"5 = 9 1 2 {end} 8 3 {end}"
    own = [one for one, is_own in zip(ids, learned, strict=True) if is_own]
    assert tokenizer.decode(own) == f"1 2 {end} 3 {end}"
    assert words.demonstration_ids(Task("t", "5 ="), "") == (
        [*tokenizer("5 =")["input_ids"], tokenizer.eos_token_id],
        [False, False, True],
    )
    with pytest.raises(DataError, match="no message of the assistant"):
        words.demonstration_ids(Task("t", "5 ="), shown[:1])


def test_warm_start_imitates_play_and_the_sampler_plays(make_job, tiny):
    """Told `4` it answers `5`: the second answer follows from what the environment said."""
    shown = [
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "4"},
        {"role": "assistant", "content": "5"},
    ]
    some = [Task(f"t{n}", f"{n} =", data={"demonstration": shown}) for n in range(4)]
    job = make_job(model=tiny(), tasks=some)
    sft(job, steps=40, batch_size=4, learning_rate=1e-2, save_steps=0, threads=1)
    environment = Digits(turns=2, told="4")
    groups = list(
        sample(
            str(job.output),
            some,
            samples=1,
            seed=0,
            temperature=0,
            max_new_tokens=4,
            environment=environment,
        )
    )
    for (one,) in groups:
        assert [m["content"] for m in one.messages] == ["1", "4", "5", "4"]
        assert (one.text, one.finish, one.played.turns) == ("5", "stop", 2)
    assert environment.asked[-1] == [["1", "5"]] * 4


def test_the_sampler_plays_the_same_with_the_same_seed(tiny):
    def answers(seed):
        how = {"samples": 3, "max_new_tokens": 3, "environment": Digits(), "batch_size": 4}
        return list(sample(tiny(), tasks(4), seed=seed, **how))

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)
    assert [[one.index for one in group] for group in answers(1)] == [[0, 1, 2]] * 4
