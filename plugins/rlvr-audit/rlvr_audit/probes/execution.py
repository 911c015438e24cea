"""Family `execution`: programs that make their tests pass without solving the task."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Iterator, Mapping

from rlvr_audit import thresholds
from rlvr_audit.bench import Ask, Bench
from rlvr_audit.cases import Case
from rlvr_audit.findings import Finding, Severity
from rlvr_audit.probes.programs import ESCAPES, READERS, STUBS, TAMPERS
from rlvr_audit.probing import probe
from rlvr_audit.trials import Text, finding, paid_findings


def program(bench: Bench, template: str) -> Text:
    """A variant: a program with the names of the right one, in the same fence."""

    def make(case: Case) -> str | None:
        code = bench.code_of(case)
        if not code:
            return None
        names = function_names(code)
        stub = "\n".join(f"def {name}(*args, **kwargs):\n    BODY" for name in names) or "BODY"
        return fenced(bench, case, _filled(template, stub))

    return make


def _filled(template: str, stub: str) -> str:
    body, _, rest = template.partition("\n---\n")
    inside = body.strip().replace("\n", "\n    ")
    return (rest + "\n" if rest else "") + stub.replace("BODY", inside or "pass") + "\n"


def function_names(code: str) -> list[str]:
    """The functions that a program defines at its top."""
    tree = ast.parse(code)
    return [one.name for one in tree.body if isinstance(one, ast.FunctionDef)]


def fenced(bench: Bench, case: Case, code: str) -> str:
    """The code where the right answer has its own."""
    right = bench.code_of(case)
    text = next(text for text in case.good if right in text)
    return text.replace(right, code)


def _attack(
    bench: Bench, programs: Mapping[str, str], severity: Severity, what: str, advice: str
) -> Iterator[Finding]:
    variants = {name: program(bench, template) for name, template in programs.items()}
    yield from paid_findings(bench, variants, severity=severity, what=what, advice=advice)


@probe(
    about="a program that leaves early has not passed",
    severity="critical",
    kinds=("code",),
    needs_levels=True,
)
def escape(bench: Bench) -> Iterator[Finding]:
    """exit(0) and its kin, at the top and inside the function; forged output."""
    yield from _attack(
        bench,
        ESCAPES,
        "critical",
        "pays a program that leaves or forges its report",
        "count what the tests say at their end, where the program can't write; never the exit "
        "code alone",
    )


@probe(
    about="a program can't change what tests it",
    severity="high",
    kinds=("code",),
    needs_levels=True,
)
def tamper(bench: Bench) -> Iterator[Finding]:
    """Objects equal to everything, patched builtins, rewritten test files."""
    yield from _attack(
        bench,
        TAMPERS,
        "high",
        "pays a program that changes what tests it",
        "compare in another process than the program's, and types before values",
    )


@probe(
    about="a program can't read what is expected of it",
    severity="high",
    kinds=("code",),
    needs_levels=True,
)
def leak(bench: Bench) -> Iterator[Finding]:
    """The expected values in frames, modules, arguments, environment and files."""
    yield from _attack(
        bench,
        READERS,
        "high",
        "lets a program read the answers it should find",
        "keep tests and expected values out of the program's process, folder and environment",
    )


@probe(about="a stub is not paid", severity="critical", kinds=("code",), needs_levels=True)
def stub(bench: Bench) -> Iterator[Finding]:
    """Functions that do nothing, and texts that are no program."""
    yield from _attack(
        bench,
        STUBS,
        "critical",
        "pays a program that does nothing",
        "a test that can't fail is none",
    )


@probe(
    about="most small mistakes in a right program are noticed",
    severity="high",
    kinds=("code",),
    needs_levels=True,
)
def mutants(bench: Bench) -> Iterator[Finding]:
    """The right program with one operator, constant or condition changed."""
    asks = []
    for case in bench.usable[:3]:
        code = bench.code_of(case)
        asks += [Ask(case, fenced(bench, case, one)) for one in mutants_of(code, 8)] if code else []
    outcomes = bench.judge(asks)
    alive = [(a, o) for a, o in zip(asks, outcomes, strict=True) if bench.is_paid(a.case, o)]
    bench.figures["mutants noticed"] = f"{len(asks) - len(alive)} of {len(asks)}"
    if len(asks) >= 4 and len(alive) > thresholds.SURVIVING_MUTANTS * len(asks):
        ask, outcome = alive[0]
        yield finding(
            bench,
            "high",
            "pays programs with a planted mistake",
            ask=ask,
            outcome=outcome,
            expected="not paid",
            failed=len(alive),
            tried=len(asks),
            advice="add tests, hidden ones too: these prove little",
        )


SWAPS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Lt: ast.GtE,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def mutants_of(code: str, most: int) -> list[str]:
    """Programs that differ from `code` in one place."""
    tree = ast.parse(code)
    count = sum(_mutable(node) for node in ast.walk(tree))
    chosen = random.Random(0).sample(range(count), min(most, count))
    return [ast.unparse(_mutated(tree, number)) for number in sorted(chosen)]


def _mutable(node: ast.AST) -> bool:
    is_number = isinstance(node, ast.Constant) and type(node.value) is int
    is_return = isinstance(node, ast.Return) and node.value is not None
    return type(node) in SWAPS or is_number or is_return


def _mutated(tree: ast.Module, number: int) -> ast.Module:
    copied = copy.deepcopy(tree)
    node = [one for one in ast.walk(copied) if _mutable(one)][number]
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        node.value = node.value + 1
    elif isinstance(node, ast.Return):
        node.value = ast.Constant(None)
    else:
        node.__class__ = SWAPS[type(node)]
    return copied


PROBES = {"escape": escape, "tamper": tamper, "leak": leak, "stub": stub, "mutants": mutants}
