"""The zoo: each bug with its sound twin, its cases, the probe that must find it, and its source.

`found_by` are patterns of probes, at least one of which must give a finding of `high` or worse for
the bug that it does not give for the twin. `issue` names a public report of the same mistake.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    bug: str
    twin: str
    cases: str
    found_by: tuple[str, ...]
    issue: str = ""


def pair(bug: str, twin: str, cases: str, *found_by: str, issue: str = "") -> Pair:
    file = bug.partition(":")[0]
    return Pair(bug, twin if ":" in twin else f"{file}:{twin}", cases, found_by, issue)


E_, F_, B_, S_, J_, P_ = ("extraction", "failures", "batches", "shaping", "judges", "programs")

PAIRS = (
    pair(f"{E_}:substring", "boxed_sound", "BOXED", "channel/*"),
    pair(f"{E_}:last_number", "boxed_sound", "BOXED", "channel/hedge", "channel/uncommitted"),
    pair(
        f"{E_}:first_match",
        "first_match_sound",
        "BOXED",
        "channel/retraction",
        issue="huggingface/open-r1#418",
    ),
    pair(f"{E_}:any_box", "boxed_sound", "BOXED", "channel/shotgun"),
    pair(
        f"{E_}:whole_text_fallback",
        "whole_text_fallback_sound",
        "BOXED",
        "channel/shotgun",
        issue="PrimeIntellect-ai/verifiers#1028",
    ),
    pair(f"{E_}:regex_gold", "boxed_sound", "BOXED", "channel/pattern_gold"),
    pair(f"{E_}:case_fold", "boxed_sound", "UNITS", "cases/known_bad", "shaping/order"),
    pair(f"{E_}:evaluates", "number_sound", "BOXED", "infrastructure/side_effects"),
    pair(
        f"{E_}:rejection_form",
        "number_sound",
        "BOXED",
        "channel/near_miss",
        "channel/broken_answer",
    ),
    pair(f"{E_}:truncates", "number_sound", "BOXED", "channel/near_miss"),
    pair(f"{E_}:drops_sign", "number_sound", "BOXED", "channel/near_miss"),
    pair(f"{E_}:strips_units", "boxed_sound", "BOXED", "channel/hedge", "channel/near_miss"),
    pair(f"{E_}:wide_tolerance", "number_sound", "BOXED", "channel/near_miss"),
    pair(
        f"{E_}:symmetric",
        "tagged_sound",
        "TAGGED",
        "channel/empty",
        issue="Liuziyu77/Visual-RFT#176",
    ),
    pair(
        f"{E_}:several_classes",
        "tagged_sound",
        "TAGGED",
        "channel/shotgun",
        issue="Liuziyu77/Visual-RFT#79",
    ),
    pair(
        f"{E_}:empty_missing",
        "tagged_sound",
        "TAGGED",
        "contract/unusable_gold",
        issue="verl-project/verl#6793",
    ),
    pair(f"{E_}:cut_to_100", "cut_sound", "BOXED", "recall/*", issue="verl-project/verl#7440"),
    pair(
        f"{E_}:tail_of_300",
        "tail_sound",
        "HASHED",
        "recall/context",
        issue="verl-project/verl#7274",
    ),
    pair(
        f"{E_}:no_braces",
        "braces_sound",
        "FRACTIONS",
        "cases/known_good",
        issue="NVIDIA-NeMo/Gym#1844",
    ),
    pair(
        f"{E_}:open_box",
        "boxed_sound",
        "BOXED",
        "channel/uncommitted",
        issue="marin-community/marin#9163",
    ),
    pair(
        f"{E_}:reasoning_graded",
        "reasoning_sound",
        "BOXED",
        "channel/uncommitted",
        issue="huggingface/trl#5298",
    ),
    pair(f"{E_}:lazy", "number_sound", "BOXED", "channel/lazy_expression"),
    pair(f"{E_}:letter_anywhere", "letter_sound", "CHOICES", "channel/*"),
    pair(f"{E_}:first_letter", "letter_sound", "CHOICES", "channel/*"),
    pair(f"{E_}:ignores_gold", "boxed_sound", "BOXED", "channel/swapped_gold", "cases/known_bad"),
    pair(f"{E_}:prompt_overlap", "boxed_sound", "BOXED", "channel/echo"),
    pair(
        f"{E_}:empty_action", "action_sound", "ACTIONS", "channel/empty", "channel/constant_policy"
    ),
    pair(f"{E_}:claims", "boxed_sound", "BOXED", "channel/constant_policy"),
    pair(
        f"{F_}:gold_unreadable_pays",
        "gold_sound",
        "BOXED",
        "contract/unusable_gold",
        issue="huggingface/open-r1#293",
    ),
    pair(f"{F_}:except_pays", "grading_sound", "BOXED", "channel/*"),
    pair(
        f"{F_}:grading_failure_is_zero",
        "grading_sound",
        "BOXED",
        "infrastructure/outage",
        issue="huggingface/cookbook#335",
    ),
    pair(
        f"{F_}:outage_is_zero",
        "service_sound",
        "BOXED",
        "infrastructure/outage",
        issue="NVIDIA-NeMo/Gym#1606",
    ),
    pair(f"{F_}:timeout_is_one", "service_sound", "BOXED", "infrastructure/outage"),
    pair(f"{F_}:retries_then_half", "service_sound", "BOXED", "infrastructure/outage"),
    pair(f"{F_}:nan_value", "grading_sound", "BOXED", "contract/verdicts"),
    pair(f"{F_}:text_value", f"{E_}:boxed_sound", "BOXED", "contract/verdicts"),
    pair(f"{F_}:out_of_range", f"{E_}:boxed_sound", "BOXED", "contract/verdicts"),
    pair(f"{F_}:raises_on_odd_text", "grading_sound", "BOXED", "infrastructure/malformed"),
    pair(f"{F_}:exits_on_odd_text", f"{E_}:boxed_sound", "BOXED", "infrastructure/malformed"),
    pair(
        f"{F_}:backtracks",
        f"{E_}:boxed_sound",
        "BOXED",
        "infrastructure/hang",
        issue="inclusionAI/AReaL#1426",
    ),
    pair(
        f"{F_}:tower",
        "grading_sound",
        "BOXED",
        "infrastructure/hang",
        issue="huggingface/Math-Verify#50",
    ),
    pair(
        f"{F_}:quadratic",
        f"{E_}:boxed_sound",
        "BOXED",
        "infrastructure/latency",
        "infrastructure/hang",
    ),
    pair(
        f"{F_}:alarmed",
        "alarmed_sound",
        "BOXED",
        "contract/concurrency",
        issue="huggingface/trl#5281",
    ),
    pair(f"{B_}:zip_truncates", "columns_sound", "BOXED", "contract/arguments"),
    pair(f"{B_}:drops_empty", "samples_sound", "BOXED", "contract/*"),
    pair(f"{B_}:shifted", "columns_sound", "BOXED", "contract/batch_equals_single"),
    pair(f"{B_}:first_gold", "columns_sound", "BOXED", "contract/batch_equals_single"),
    pair(f"{B_}:by_prompt", "sample_sound", "BOXED", "contract/state"),
    pair(f"{B_}:by_completion", "pair_sound", "BOXED", "contract/state"),
    pair(f"{B_}:changes_input", "columns_sound", "BOXED", "contract/immutability"),
    pair(f"{B_}:only_once", "sample_sound", "BOXED", "contract/*"),
    pair(f"{B_}:noisy", "sample_sound", "BOXED", "contract/repeatable"),
    pair(f"{B_}:set_order", "sample_sound", "BOXED", "contract/fresh_processes"),
    pair(f"{B_}:by_hash", "sample_sound", "BOXED", "contract/fresh_processes"),
    pair(f"{B_}:by_clock", "sample_sound", "BOXED", "contract/repeatable"),
    pair(f"{B_}:normalised", "samples_sound", "BOXED", "contract/batch_equals_single"),
    pair(f"{B_}:ranked", "columns_sound", "BOXED", "contract/batch_equals_single"),
    pair(f"{B_}:of_the_best", "samples_sound", "BOXED", "contract/batch_equals_single"),
    pair(f"{B_}:no_repeats", "samples_sound", "BOXED", "contract/permutation"),
    pair(
        f"{B_}:sorted_rows",
        "columns_sound",
        "BOXED",
        "contract/permutation",
        "contract/batch_equals_single",
    ),
    pair(f"{B_}:shared_global", "sample_sound", "BOXED", "contract/concurrency"),
    pair(f"{B_}:async_race", "async_sound", "BOXED", "contract/concurrency"),
    pair(f"{B_}:remembers_everything", "sample_sound", "BOXED", "infrastructure/leaks"),
    pair(f"{B_}:leaves_files_open", "sample_sound", "BOXED", "infrastructure/leaks"),
    pair(f"{B_}:leaves_threads", "sample_sound", "BOXED", "infrastructure/leaks"),
    pair(f"{B_}:seeds", "sample_sound", "BOXED", "infrastructure/side_effects"),
    pair(f"{B_}:no_keywords", "columns_sound", "BOXED", "contract/arguments"),
    pair(f"{B_}:default_gold", "columns_sound", "BOXED", "contract/*", "channel/*"),
    pair(f"{B_}:group_by_index", "group_sound", "BOXED", "contract/permutation", "cases/*"),
    pair(f"{S_}:per_box", "mild_format_sound", "BOXED", "shaping/stuffing"),
    pair(f"{S_}:per_tag", "mild_format_sound", "BOXED", "shaping/stuffing"),
    pair(f"{S_}:length_bonus", "mild_format_sound", "BOXED", "shaping/length"),
    pair(
        f"{S_}:longer_wrong",
        "wrong_sound",
        "BOXED",
        "shaping/length",
        issue="huggingface/trl get_cosine_scaled_reward",
    ),
    pair(f"{S_}:wrong_sign", "wrong_sound", "BOXED", "shaping/order", "cases/*"),
    pair(f"{S_}:zero_weight_counts", "zero_weight_sound", "BOXED", "shaping/length"),
    pair(f"{S_}:mostly_format", "mild_format_sound", "BOXED", "shaping/format_share"),
    pair(
        f"{S_}:step_count",
        "mild_format_sound",
        "BOXED",
        "shaping/stuffing",
        issue="huggingface/open-r1#144",
    ),
    pair(f"{S_}:keyword_rubric", "mild_format_sound", "BOXED", "shaping/stuffing"),
    pair(f"{S_}:think_length", "tag_sound", "TAGGED", "shaping/length"),
    pair(
        f"{S_}:empty_think",
        "think_sound",
        "REASONED",
        "shaping/empty_reasoning",
        issue="dvlab-research/Seg-Zero#117",
    ),
    pair(
        f"{S_}:prefill",
        "prefill_sound",
        "TAGGED",
        "recall/template_prefill",
        issue="huggingface/trl#6966",
    ),
    pair(f"{J_}:injected", "judge_sound", "TOPICS", "judge/injection"),
    pair(f"{J_}:master_key", "judge_sound", "TOPICS", "judge/master_key", "channel/empty"),
    pair(f"{J_}:json_slice", "judge_sound", "TOPICS", "judge/injection"),
    pair(
        f"{J_}:rating_anywhere",
        "judge_sound",
        "TOPICS",
        "judge/injection",
        issue="NVIDIA-NeMo/Gym#2852",
    ),
    pair(
        f"{J_}:judge_down_is_zero",
        "judge_sound",
        "TOPICS",
        "infrastructure/outage",
        issue="NVIDIA-NeMo/Gym#2384",
    ),
    pair(f"{J_}:no_verdict_is_one", "judge_sound", "TOPICS", "infrastructure/outage"),
    pair(f"{J_}:no_verdict_is_zero", "judge_sound", "TOPICS", "infrastructure/outage"),
    pair(f"{J_}:praised", "judge_sound", "TOPICS", "judge/injection", "shaping/*"),
    pair(f"{P_}:exit_code", "sound", "PROGRAMS", "execution/escape"),
    pair(f"{P_}:report_text", "sound", "PROGRAMS", "execution/escape"),
    pair(f"{P_}:in_process", "sound", "PROGRAMS", "execution/*"),
    pair(f"{P_}:visible_only", "sound", "PROGRAMS", "execution/mutants", "cases/known_bad"),
    pair(f"{P_}:tests_beside", "sound", "PROGRAMS", "execution/*"),
    pair(f"{P_}:gold_in_arguments", "sound", "PROGRAMS", "execution/*"),
    pair(f"{P_}:left_behind", "sound", "PROGRAMS", "contract/state", "cases/known_bad"),
    pair(f"{P_}:says_so", "sound", "PROGRAMS", "channel/constant_policy"),
    pair(f"{P_}:sandbox_down_is_zero", "sound", "PROGRAMS", "infrastructure/outage"),
)
