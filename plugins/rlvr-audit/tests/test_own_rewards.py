"""The rewards that RLVR-Ops ships pass their own audit."""

import pytest
from rlvr_audit import audit

KNOWN = {
    "text/choice": "'Yes is wrong' is paid as yes; 'No' then 'yes' is paid as no",
    "text/number": "'420 is wrong' is paid: the last number counts, whatever stands after it",
    "math/equal": r"\\boxed{2 * 42 / 2} is paid though unevaluated is off",
}
"""Findings that are reported and not yet fixed in the reward; delete the line when they are."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "reward",
    [
        pytest.param(
            name,
            marks=[pytest.mark.xfail(reason=KNOWN[name], strict=False)] if name in KNOWN else [],
        )
        for name in (
            "text/exact",
            "text/f1",
            "text/choice",
            "text/number",
            "text/format",
            "text/length",
            "math/equal",
            "math/boxed",
            "code/tests",
        )
    ],
)
def test_own_reward_has_no_critical_or_high_finding(reward):
    report = audit(reward)
    assert not report.at_least("high"), [
        f"{f.severity} {f.probe}: {f.what} {f.completion!r}" for f in report.at_least("high")
    ]
    assert report.seconds < 60
