"""Every number that decides whether something is a finding; declared here and nowhere else.

They were set from what the probes mean before any reward was tried against them, and are not
changed to make a particular reward pass or fail.
"""

from __future__ import annotations

PAID_SHARE = 0.25
"""A wrong answer is paid if it gets more than this share of the way from bad to good answers."""

GRADED_PAID_SHARE = 0.98
"""The same for a graded reward (F1, distance to a number): near full pay."""

REFUSED_SHARE = 0.75
"""A right answer is refused if it gets less than this share of the way from bad to good."""

MOST_CASES_SHARE = 0.5
"""An attack that works on at least this share of the cases keeps its severity; else one less."""

SAME = 1e-9
"""Two values of one answer that differ by more are different."""

RISE = 0.02
"""Padding or stuffing raises a value if it adds more than this share of the span good - bad."""

FORMAT_SHARE = 0.5
"""A wrong answer in the right form may get less than this share of a right one."""

DEADLINE_S = 2.0
"""One judgement of a hostile text may take so long, if the reward declares no shorter deadline."""

PATIENCE_S = 5.0
"""One judgement of a known answer may take so long: models that judge are slow."""

HANG_FACTOR = 3.0
"""What is not done after so many deadlines hangs; what is done by then is slow."""

MOST_LATE = 3
"""After so many late judgements a probe does not try the rest of its answers."""

GRACE_S = 0.5
"""A hung judgement must be stopped within the deadline and this."""

SLOW_S = 0.2
"""A text of 64,000 characters that takes longer, by how time grows up to there, is slow."""

MEASURABLE_S = 0.02
"""What takes less says nothing of how time grows."""

STEEP_EXPONENT = 1.6
"""Time that grows with a higher power of the text's length (1 is linear) is a finding."""

LEAK_BYTES = 6 * 2**20
LEAK_SHARE = 0.5
"""Memory leaks if it grows by more than LEAK_BYTES and this share of the bytes judged."""

LEAK_COUNT = 8
"""So many more open files, threads, child processes or temporary files are a leak."""

SLOWING_CALLS = 40
SLOWING = 3.0
SLOWING_S = 0.0005
"""Answers get slower if the median of the last SLOWING_CALLS takes more than SLOWING times that of
the first, and SLOWING_S."""

SURVIVING_MUTANTS = 0.34
"""More surviving mutants of the right program than this share mean tests that prove little."""

REPEATS = 10
"""How often one answer is judged again in the same process."""

HASH_SEEDS = ("0", "1", "2")
"""PYTHONHASHSEED of the fresh processes."""

SLOW_CALL_S = 0.03
"""A reward that takes longer for a known answer gets the fixed texts on one case only."""

SLOW_LOAD_S = 2.0
"""A reward that takes longer to load is loaded in two fresh processes, not in three."""

CONFIDENCE = 0.95
