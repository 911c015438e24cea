"""The bench that probes work on: cases, calls with deadlines, and what counts as paid."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from rlvr_audit import thresholds
from rlvr_audit.cases import Case
from rlvr_audit.process import Ended, RewardProcess
from rlvr_audit.slots import Slot, number_of, slot_in, written, wrong_answers
from rlvr_audit.target import Target

Kind: TypeAlias = Literal["answer", "code", "judge", "shape"]
Context: TypeAlias = Literal["main", "fast", "thread", "threads", "asyncio"]
JUDGE_WORDS = re.compile(r"judge|llm|model|openai|chat|grader|rater|critic", re.IGNORECASE)
MOST_WALL = 3.0
"""The audit's time is up after so many of its budgets by the wall, however busy the machine."""
CODE = re.compile(r"^\s*(?:def|class|import|from|print\(|for|while)\b.*", re.MULTILINE)


class Ask(NamedTuple):
    """One answer to judge."""

    case: Case
    completion: Any
    """Text, or messages."""
    changes: Mapping[str, Any] = {}
    """Keys of the row to set otherwise: gold, data, group, without …"""


@dataclass(frozen=True)
class Outcome:
    """What a reward made of one answer."""

    value: float | None
    status: str
    """ok, abstain, error, timeout (killed at the deadline) or crash (its process died)."""
    reason: str = ""
    kind: str = ""
    """Of an error: raised, length, type, nan, range."""
    seconds: float = 0.0
    components: Mapping[str, float | None] = field(default_factory=dict)
    changed: bool = False
    """The reward changed what it was given."""

    @property
    def shown(self) -> str:
        """For people: the value, or the status with its reason."""
        if self.status == "ok":
            return f"{self.value:g}"
        return f"{self.status}: {self.reason}"[:300] if self.reason else self.status


NOT_TRIED = Outcome(None, "timeout", "not tried: too many before it were late")


class TimeUp(Exception):
    """The audit's time is up; the probe that runs is reported as not done."""


@dataclass(frozen=True)
class Levels:
    """What good and bad answers to one case are paid."""

    good: float
    bad: float

    @property
    def span(self) -> float:
        """From bad to good; above 0."""
        return self.good - self.bad

    def share(self, value: float) -> float:
        """How far on the way from bad to good a value is."""
        return (value - self.bad) / self.span


class Bench:
    """One reward, its cases, and all that probes ask of them."""

    def __init__(
        self,
        target: Target,
        process: RewardProcess,
        cases: Sequence[Case],
        *,
        deadline_s: float,
        budget_s: float,
    ) -> None:
        self.target, self.process, self.cases = target, process, list(cases)
        self.info: Mapping[str, Any] = process.ready()
        self.deadline_s = deadline_s
        clock = process.clock
        self.ends_s = clock.seconds + budget_s
        self.ends_wall_s = clock.wall_s + MOST_WALL * budget_s
        """The audit's time is up at these times of its clock: seconds of work, and of the wall."""
        self.kind: Kind = "answer"
        self.folder = ""
        """Where the sessions of a reward that runs programs take place."""
        self.slots: dict[str, Slot | None] = {case.id: slot_in(case) for case in cases}
        self.levels: dict[str, Levels] = {}
        self.forms: dict[str, str] = {}
        self.graded = False
        self.call_s = 0.001
        self.session_s = 0.01
        """What it takes to begin a session: a reward may start a sandbox of its own in each."""
        self.known: list[tuple[Case, bool, str, Outcome]] = []
        """(case, is it good, text, outcome) of every known answer."""
        self.figures: dict[str, Any] = {}
        """Numbers of the probe that runs now, for people."""
        self.tried: list[tuple[str, bool, bool]] = []
        """(`known` or `attack`, is the answer right, was it judged wrongly) of every trial."""

    # -- what it is about ---------------------------------------------------------------------

    def _kind(self) -> Kind:
        """What the reward judges, from its cases and from what it calls."""
        if any(self.code_of(case) for case in self.cases):
            return "code"
        if self._asks_a_judge():
            return "judge"
        return "answer" if any(case.gold is not None for case in self.cases) else "shape"

    def _asks_a_judge(self) -> bool:
        """It calls something that is named like a model and gives a text."""
        asks = [Ask(case, text) for case in self.cases[:1] for text in case.good[:1]]
        calls = [[self.row(ask)] for ask in asks]
        for target in self.info["dependencies"]:
            if JUDGE_WORDS.search(target):
                request = {"op": "fault", "target": target, "how": "watch", "calls": calls}
                if any(reply.get("texts") for reply in self.ask(request, deadline_s=10)):
                    return True
        return False

    def code_of(self, case: Case) -> str:
        """The program in a case's right answer; "" if it holds none."""
        tested = any(
            "test" in key or key in ("inputs", "stdin", "entry_point") for key in case.data
        )
        for text in case.good:
            fenced = re.search(r"```(?:python|py)?\n(.*?)```", text, re.DOTALL)
            code = fenced[1] if fenced else text
            if CODE.search(code) and (tested or fenced) and _parses(code):
                return code
        return ""

    @property
    def usable(self) -> list[Case]:
        """The cases in which the reward tells right from wrong; few of them if it is slow."""
        cases = [case for case in self.cases if case.id in self.levels]
        return cases[: self.most_cases]

    @property
    def most_cases(self) -> int:
        """So many cases a probe should use: a slow reward gets fewer."""
        return 8 if self.call_s < 0.004 else 3 if self.call_s < 0.02 else 2

    def at_most(self, count: int) -> int:
        """Of so many sessions, as many as a reward can begin in about two seconds; at least 3."""
        return max(3, min(count, int(2.0 / self.session_s)))

    @property
    def is_over(self) -> bool:
        """The audit's time is up."""
        clock = self.process.clock
        return clock.seconds > self.ends_s or clock.wall_s > self.ends_wall_s

    def wrongs(self, case: Case, count: int) -> list[str]:
        """Texts for the case's slot that are wrong; none if it has no slot."""
        slot = self.slots[case.id]
        return wrong_answers(case, slot, self.cases, count) if slot else []

    def render(self, case: Case, text: str) -> str | None:
        """`text` as an answer in the form the task asks for; None if that form isn't known."""
        slot = self.slots[case.id]
        if slot is None:
            return None
        if self.forms.get(case.id) == "marked":
            return slot.marked(text)
        return slot.full(text)

    def is_paid(
        self,
        case: Case,
        outcome: Outcome,
        graded_share: float = thresholds.GRADED_PAID_SHARE,
        *,
        is_graded: bool | None = None,
    ) -> bool:
        """A wrong answer got a right answer's pay, or a good part of it."""
        if outcome.status != "ok" or outcome.value is None:
            return False
        share = self.levels[case.id].share(outcome.value)
        graded = self.graded if is_graded is None else is_graded
        return share > (graded_share if graded else thresholds.PAID_SHARE)

    def is_refused(self, case: Case, outcome: Outcome) -> bool:
        """A right answer got clearly less than known right answers do, or no verdict.

        One that is too late is neither: `infrastructure/hang` is about that.
        """
        if outcome.status == "timeout":
            return False
        if outcome.status != "ok" or outcome.value is None:
            return True
        return self.levels[case.id].share(outcome.value) < thresholds.REFUSED_SHARE

    # -- calls --------------------------------------------------------------------------------

    def judge(
        self,
        asks: Sequence[Ask],
        *,
        context: Context = "main",
        deadline_s: float | None = None,
        shift_s: float = 0.0,
        process: RewardProcess | None = None,
        is_needed: bool = False,
    ) -> list[Outcome]:
        """One outcome an ask, each judged in a call of its own, in one process, in order.

        Raises:
            TimeUp: the audit's time is up, and these are not `is_needed`.
        """
        judged = self.judge_calls(
            [[ask, *self.company(ask)] for ask in asks],
            context=context,
            deadline_s=deadline_s,
            shift_s=shift_s,
            process=process,
            is_needed=is_needed,
        )
        return [rows[0] for rows in judged]

    def company(self, ask: Ask) -> list[Ask]:
        """Other answers to the task for a reward that judges groups: alone all are equal."""
        if self.info["shape"] != "group":
            return []
        texts = (*ask.case.good[:1], *ask.case.bad[:1])
        return [ask._replace(completion=text) for text in texts]

    def judge_calls(
        self,
        calls: Sequence[Sequence[Ask]],
        *,
        context: Context = "main",
        deadline_s: float | None = None,
        shift_s: float = 0.0,
        process: RewardProcess | None = None,
        is_needed: bool = False,
    ) -> list[list[Outcome]]:
        """The outcomes of several calls; one that hangs or crashes costs only itself."""
        rows = [[self.row(ask, index) for index, ask in enumerate(call)] for call in calls]
        done: dict[int, list[Outcome]] = {}
        limit = deadline_s or self.deadline_s
        late = 0
        while len(done) < len(rows):
            if self.is_over and not is_needed:
                raise TimeUp
            if late >= thresholds.MOST_LATE:
                for number in range(len(rows)):
                    done.setdefault(number, [NOT_TRIED] * len(rows[number]))
                break
            todo = [number for number in range(len(rows)) if number not in done]
            request = {"op": "judge", "context": context, "calls": [rows[n] for n in todo]}
            one_by_one = context in ("main", "fast", "thread")
            whole = 1 if one_by_one else len(todo)
            replies = (process or self.process).session(
                {**request, "shift_s": shift_s, "folder": self.folder}, limit + whole * 0.05
            )
            try:
                with closing(replies):  # type: ignore[type-var]  # a generator
                    for reply in replies:
                        number = todo[reply["call"]]
                        done[number] = outcomes_of(reply, len(rows[number]))
            except Ended as ended:
                late += ended.how == "timeout"
                missing = [number for number in todo if number not in done]
                lost = missing[:1] if one_by_one else missing
                for number in lost:
                    done[number] = [_lost(ended, limit)] * len(rows[number])
        return [done[number] for number in range(len(rows))]

    def ask(self, request: Mapping[str, Any], *, deadline_s: float) -> list[dict[str, Any]]:
        """The replies to a request of another kind; what came before it ended early."""
        replies: list[dict[str, Any]] = []
        try:
            request = {**request, "folder": self.folder}
            for reply in self.process.session(request, deadline_s):
                replies.append(reply)  # noqa: PERF402  # what came before the end counts
        except Ended as ended:
            replies.append({"ended": ended.how})
        return replies

    def row(self, ask: Ask, index: int = 0) -> dict[str, Any]:
        """An ask as the reward's process takes it."""
        case = ask.case
        data = dict(case.data)
        if case.gold_key and "gold" in ask.changes:
            data[case.gold_key] = ask.changes["gold"]
        return {
            "id": case.id,
            "prompt": case.prompt,
            "gold": case.gold,
            "data": data,
            "completion": ask.completion,
            "group": case.id,
            "index": index,
            **ask.changes,
        }

    # -- calibration --------------------------------------------------------------------------

    def calibrate(self) -> None:
        """Judge the known answers; learn what is paid, in which form, and how long it takes."""
        asks = [
            (Ask(case, text), is_good)
            for case in self.cases
            for is_good, texts in ((True, case.good), (False, case.bad))
            for text in texts
        ]
        patient_s = max(thresholds.PATIENCE_S, self.deadline_s)
        outcomes = self.judge([ask for ask, _ in asks], deadline_s=patient_s, is_needed=True)
        self.known = [
            (ask.case, is_good, ask.completion, outcome)
            for (ask, is_good), outcome in zip(asks, outcomes, strict=True)
        ]
        self.kind = self._kind()
        times = sorted(outcome.seconds for outcome in outcomes)
        self.call_s = times[len(times) // 2] if times else 0.001
        before_s = self.process.clock.seconds
        self.judge([ask for ask, _ in asks[:1]], is_needed=True)
        self.session_s = max(0.001, self.process.clock.seconds - before_s - self.call_s)
        with suppress(TimeUp):  # then every probe says that the time was up
            self._learn_levels()
            self._learn_forms()
            self._learn_grading()

    def _learn_levels(self) -> None:
        paid = [o.value for _, is_good, _, o in self.known if is_good and o.value is not None]
        best = max(paid, default=None)
        for case in self.cases:
            good = self._values(case, is_good=True)
            bad = self._values(case, is_good=False)
            if not good or best is None:
                continue
            top = max(good)
            imagined = self._imagined_bad(case)
            unpaid = [value for value in bad or imagined if value < top - thresholds.SAME]
            if unpaid:
                low = min(unpaid)
                fair = [v for v in unpaid if v <= low + 0.9 * (top - low)]
                # what its form alone earns a wrong answer is a question of its own: format_share
                half = low + thresholds.FORMAT_SHARE * (top - low)
                fair += [value for value in imagined if value < half]
                self.levels[case.id] = Levels(top, max(fair))

    def _imagined_bad(self, case: Case) -> list[float]:
        slot = self.slots[case.id]
        if slot is None:
            return [0.0] if self.info["range"] is None or self.info["range"][0] >= 0 else []
        asks = [Ask(case, slot.full(wrong)) for wrong in self.wrongs(case, 2)]
        return [o.value for o in self.judge(asks) if o.value is not None] or [0.0]

    def _values(self, case: Case, *, is_good: bool) -> list[float]:
        return [
            outcome.value
            for one, good, _, outcome in self.known
            if one.id == case.id and good == is_good and outcome.value is not None
        ]

    def _learn_forms(self) -> None:
        """Whether the mark alone, without what stands around it, is paid like the whole answer."""
        asks = [
            Ask(case, slot.marked(slot.gold))
            for case in self.usable
            if (slot := self.slots[case.id]) is not None and (slot.has_mark or slot.is_bare)
        ]
        for ask, outcome in zip(asks, self.judge(asks), strict=True):
            if not self.is_refused(ask.case, outcome):
                self.forms[ask.case.id] = "marked"

    def _learn_grading(self) -> None:
        """A graded reward pays wrong answers by how wrong they are: F1, distance to a number."""
        if self.kind == "code":
            self.graded = self._pays_parts_of_tests()
            return
        values: set[float] = set()
        for case in self.usable[:3]:
            slot, found = self.slots[case.id], set()
            if slot is None:
                continue
            texts = self.wrongs(case, 5)
            if (number := number_of(slot.gold)) is not None:
                texts += [written(number + step, slot.gold) for step in (1, 2, 3)]
            else:
                texts += [f"{slot.gold} {wrong}" for wrong in texts[:3]]
                texts += [f"{slot.gold} {' '.join(texts[:count])}" for count in (2, 3, 4)]
            asks = [Ask(case, self.render(case, text)) for text in texts]
            for outcome in self.judge(asks):
                if outcome.value is not None:
                    share = self.levels[case.id].share(outcome.value)
                    if share < 1 - thresholds.RISE:
                        found.add(round(share, 2))
            values = max(values, found, key=len)
        self.graded = len(values) >= 4

    def _pays_parts_of_tests(self) -> bool:
        """A program that passes some of its tests gets some of the pay."""
        from rlvr_audit.probes.execution import fenced, mutants_of

        asks = [
            Ask(case, fenced(self, case, code))
            for case in self.usable[:3]
            for code in mutants_of(self.code_of(case), 4)
        ]
        shares = [
            self.levels[ask.case.id].share(outcome.value)
            for ask, outcome in zip(asks, self.judge(asks), strict=True)
            if outcome.value is not None
        ]
        return any(thresholds.RISE < share < 1 - thresholds.RISE for share in shares)


def outcomes_of(reply: Mapping[str, Any], count: int) -> list[Outcome]:
    """The outcomes in one reply."""
    results = reply["results"]
    assert len(results) == count
    return [
        Outcome(
            value=result["value"],
            status=result["status"],
            reason=result.get("reason", ""),
            kind=result.get("kind", ""),
            seconds=reply["seconds"] / count,
            components=result.get("components") or {},
            changed=reply.get("changed", False),
        )
        for result in results
    ]


def _lost(ended: Ended, limit: float) -> Outcome:
    if ended.how == "timeout":
        return Outcome(None, "timeout", f"not done after {limit:g} s", seconds=limit)
    return Outcome(None, "crash", ended.how)


def _parses(code: str) -> bool:
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
