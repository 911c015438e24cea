"""The rewards that RLVR-Ops ships pass their own audit."""

import pytest
from rlvr_audit import audit


@pytest.mark.slow
@pytest.mark.parametrize(
    "reward",
    [
        "text/exact",
        "text/f1",
        "text/choice",
        "text/number",
        "text/format",
        "text/length",
        "math/equal",
        "math/boxed",
        "code/tests",
    ],
)
def test_own_reward_has_no_critical_or_high_finding(reward):
    report = audit(reward)
    assert not report.at_least("high"), [
        f"{f.severity} {f.probe}: {f.what} {f.completion!r}" for f in report.at_least("high")
    ]
    assert report.work_seconds < 60
