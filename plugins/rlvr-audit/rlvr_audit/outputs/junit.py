"""The report as JUnit XML: a test suite a family, a test case a probe."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from rlvr_audit.auditing import Report
from rlvr_audit.findings import Finding, ProbeResult

FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't hold, escaped or not."""


def junit_of(report: Report) -> str:
    """The XML; every finding is a failure of its probe, whatever its severity."""
    root = ElementTree.Element("testsuites", name="rlvr-audit")
    families: dict[str, list[ProbeResult]] = {}
    for result in report.results:
        families.setdefault(result.probe.partition("/")[0], []).append(result)
    for family, results in families.items():
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=clean(f"{report.ref} {family}"),
            tests=str(len(results)),
            failures=str(sum(result.status == "failed" for result in results)),
            skipped=str(sum(result.status == "skipped" for result in results)),
            errors="0",
            time=f"{sum(result.seconds for result in results):.3f}",
            timestamp=report.made.partition("+")[0],
        )
        for result in results:
            _case(suite, report, result)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _case(suite: ElementTree.Element, report: Report, result: ProbeResult) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=clean(report.target.reference),
        name=clean(result.probe),
        time=f"{result.seconds:.3f}",
    )
    if result.status == "skipped":
        ElementTree.SubElement(case, "skipped", message=clean(result.reason))
    for one in result.findings:
        failure = ElementTree.SubElement(
            case, "failure", type=one.severity, message=clean(f"{one.severity}: {one.what}")
        )
        failure.text = clean(told(one))


def told(one: Finding) -> str:
    """A finding as a few lines of text."""
    lines = [one.what, f"in {one.failed} of {one.tried} trials"]
    if one.case:
        lines.append(f"case: {one.case}")
    if one.completion is not None:
        lines.append(f"completion: {one.completion}")
    if one.expected or one.got:
        lines.append(f"expected: {one.expected}; got: {one.got}")
    if one.advice:
        lines.append(f"do: {one.advice}")
    if one.reproduce:
        lines += ["", one.reproduce]
    return "\n".join(lines)


def clean(text: str) -> str:
    """The text with what XML can't hold written as escapes."""
    return FORBIDDEN.sub(
        lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text
    )
