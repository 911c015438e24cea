"""Sampling: order, determinism, where an answer ends."""

import pytest
from copy_digits import copy_tasks
from rlvr_trainer_grpo import sample
from rlvr_trainer_grpo.models import load_tokenizer
from rlvr_trainer_grpo.prompts import (
    cut_at_stop,
    cut_ids_at_stop,
    encode_prompt,
    quick_batch_decode,
    stop_token_ids,
    task_order,
)

from rlvr_ops_core import ModelError, OptionError, Task


def answers(model, tasks, **options):
    return list(sample(model, tasks, **({"samples": 3, "seed": 0, "max_new_tokens": 5} | options)))


def test_answers_come_in_the_order_of_the_tasks(tiny):
    tasks = copy_tasks(7)
    found = answers(tiny(), tasks, batch_size=6)
    assert [[s.task.id for s in group] for group in found] == [[t.id] * 3 for t in tasks]
    assert [[s.index for s in group] for group in found] == [[0, 1, 2]] * 7


def test_same_seed_gives_same_answers_and_another_seed_others(tiny):
    first, second = answers(tiny(), copy_tasks(4)), answers(tiny(), copy_tasks(4))
    assert first == second
    assert first != answers(tiny(), copy_tasks(4), seed=1)


def test_other_users_of_the_random_numbers_change_nothing(tiny):
    import torch

    found = []
    for group in sample(tiny(), copy_tasks(4), samples=3, seed=0, max_new_tokens=5, batch_size=3):
        found.append(group)
        torch.rand(3)
    assert found == answers(tiny(), copy_tasks(4), batch_size=3)


def test_tasks_are_read_as_they_are_needed(tiny):
    def endless():
        while True:
            yield from copy_tasks(10)

    stream = sample(tiny(), endless(), samples=2, seed=0, max_new_tokens=2, batch_size=4)
    assert len([next(stream) for _ in range(5)]) == 5


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_greedy_answers_do_not_depend_on_the_batch(tiny, family):
    tasks = [Task("short", "1 ="), Task("long", "1 2 3 4 5 6 =")]
    together = answers(tiny(family), tasks, samples=1, temperature=0)
    alone = [answers(tiny(family), [task], samples=1, temperature=0)[0] for task in tasks]
    assert [group[0].token_ids for group in together] == [group[0].token_ids for group in alone]


def test_texts_of_the_library_are_those_of_the_tokenizer(tiny):
    tokenizer = load_tokenizer(tiny())
    rows = [[4, 5, tokenizer.eos_token_id], [], [9, tokenizer.pad_token_id, 6]]
    for skip in (True, False):
        plain = tokenizer.batch_decode(rows, skip_special_tokens=skip)
        with quick_batch_decode(tokenizer):
            assert tokenizer.batch_decode(rows, skip_special_tokens=skip) == plain
    assert "batch_decode" not in vars(tokenizer)


def test_several_greedy_answers_are_refused(tiny):
    with pytest.raises(OptionError, match="would all be the same"):
        answers(tiny(), copy_tasks(1), temperature=0, samples=2)


def test_finish_says_whether_the_answer_ended_by_itself(tiny):
    eos = load_tokenizer(tiny()).eos_token_id
    rows = [s for group in answers(tiny(), copy_tasks(20), samples=8) for s in group]
    assert {s.finish for s in rows} == {"stop", "length"}
    for row in rows:
        assert (row.finish == "stop") == (row.token_ids[-1] == eos)
        assert len(row.token_ids) <= 5
        assert eos not in row.token_ids[:-1]
        assert "<eos>" not in row.text


def test_answer_ends_before_a_stop_string(tiny):
    rows = [s for g in answers(tiny(), copy_tasks(20), samples=8, stop=["7", "!"]) for s in g]
    plain = [s for g in answers(tiny(), copy_tasks(20), samples=8) for s in g]
    assert any("7" in s.text or "!" in s.text for s in plain)
    assert not any("7" in s.text or "!" in s.text for s in rows)
    assert any(s.finish == "stop" for s in rows)


def test_stop_string_of_several_tokens_cuts_the_answer(tiny):
    tokenizer = load_tokenizer(tiny())
    ids = tokenizer("1 2 = 3 = 4")["input_ids"]
    cut, found = cut_ids_at_stop(tokenizer, ids, ["= 3"])
    assert found
    assert tokenizer.decode(cut) == "1 2 = 3"
    assert cut_at_stop("1 2 = 3 = 4", ["= 3", "nowhere"]) == "1 2 "
    assert cut_ids_at_stop(tokenizer, ids, ["nowhere"]) == (ids, False)
    assert stop_token_ids(tokenizer, ["= 3"]) == []
    assert stop_token_ids(tokenizer, ["="]) == tokenizer("=")["input_ids"]


def test_messages_go_through_the_chat_template_and_come_back_as_messages(chatty):
    tokenizer = load_tokenizer(chatty)
    task = Task("chat", [{"role": "user", "content": "1 2"}])
    assert tokenizer.decode(encode_prompt(tokenizer, task)) == "1 2 ="
    assert tokenizer.decode(encode_prompt(tokenizer, task, {"mark": "!"})) == "1 2 !"
    (group,) = answers(chatty, [task], samples=2)
    assert group[0].completion[0]["role"] == "assistant"


def test_messages_without_a_chat_template_are_refused(tiny):
    with pytest.raises(ModelError, match="no chat template"):
        answers(tiny(), [Task("chat", [{"role": "user", "content": "1"}])])


def test_task_order_is_a_function_of_the_seed_and_covers_every_task():
    order = task_order(5, 12, seed=3, shuffle=True)
    assert order == task_order(5, 12, seed=3, shuffle=True)
    assert order != task_order(5, 12, seed=4, shuffle=True)
    assert sorted(order[:5]) == sorted(order[5:10]) == list(range(5))
    assert task_order(3, 7, seed=0, shuffle=False) == [0, 1, 2, 0, 1, 2, 0]
