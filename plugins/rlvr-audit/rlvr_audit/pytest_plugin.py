"""The pytest plugin: the fixture `rlvr_audit` and the mark `rlvr_reward`.

@pytest.mark.rlvr_reward("math/equal", cases="cases.jsonl")
def test_math_is_sound(rlvr_audit):
rlvr_audit().check("high")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rlvr_audit.auditing import Report

MARK = (
    "rlvr_reward(reference, **settings): the reward that the fixture rlvr_audit audits; settings "
    "as for rlvr_audit.audit: cases, options, only, skip, deadline_s, budget_s"
)


class Audited:
    """A report that a test can check."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def check(self, level: str = "high") -> None:
        """Fail if there is a finding of `level` or above, and say which.

        Raises:
            AssertionError: names each finding with its example.
        """
        from rlvr_audit.outputs.junit import clean, told

        found = self.report.at_least(level)
        lines = [f"{one.severity} {one.probe}\n{clean(told(one))}" for one in found]
        if lines:
            raise AssertionError(
                f"{self.report.ref}: {len(lines)} findings\n\n" + "\n\n".join(lines)
            )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark, so that --strict-markers knows it."""
    config.addinivalue_line("markers", MARK)


@pytest.fixture
def rlvr_audit(request: pytest.FixtureRequest) -> Callable[..., Audited]:
    """Audit a reward: the one given, or that of the mark `rlvr_reward`."""
    mark = request.node.get_closest_marker("rlvr_reward")

    def run(reference: str | None = None, **settings: Any) -> Audited:
        from rlvr_audit.auditing import audit

        given = dict(mark.kwargs) if mark is not None else {}
        name = reference or (mark.args[0] if mark is not None and mark.args else None)
        if name is None:
            pytest.fail("name a reward: rlvr_audit('math/equal') or @pytest.mark.rlvr_reward('…')")
        return Audited(audit(name, **{**given, **settings}))

    return run
