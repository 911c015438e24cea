"""The report as one page that needs nothing else: no script, no font, no picture from elsewhere.

What a model wrote is in it as text: escaped, with control characters made visible.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from rlvr_audit.auditing import Report
from rlvr_audit.findings import SEVERITIES, Finding, ProbeResult
from rlvr_audit.outputs.terminal import rate_cells
from rlvr_ops_core.errors import printable

# ruff: noqa: E501  # a style sheet
STYLE = """
:root{color-scheme:light dark;--text:#1a1d21;--dim:#5c6670;--ground:#fff;--card:#f6f7f9;--line:#d9dde2;
--critical:#b3142c;--high:#c2500a;--medium:#8a6a00;--low:#2a6f97;--passed:#1c7c3c}
@media(prefers-color-scheme:dark){:root{--text:#e6e9ec;--dim:#9aa4ae;--ground:#14171a;--card:#1d2125;
--line:#353b42;--critical:#ff7287;--high:#ffa05c;--medium:#e6c34a;--low:#7cc4ea;--passed:#6fd08c}}
body{margin:0 auto;max-width:64rem;padding:2rem 1rem 4rem;background:var(--ground);color:var(--text);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2.5rem 0 .75rem}
p{margin:.3rem 0}.dim{color:var(--dim)}
.tiles{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem 1rem;min-width:6rem}
.tile b{display:block;font-size:1.6rem;line-height:1.2}
details{background:var(--card);border:1px solid var(--line);border-left:.3rem solid var(--line);border-radius:.4rem;
margin:.5rem 0;padding:.6rem .9rem}
summary{cursor:pointer;overflow-wrap:anywhere}
.critical{border-left-color:var(--critical)}.high{border-left-color:var(--high)}
.medium{border-left-color:var(--medium)}.low{border-left-color:var(--low)}
.tag{font-weight:600;margin-right:.5rem}
.tag.critical{color:var(--critical)}.tag.high{color:var(--high)}.tag.medium{color:var(--medium)}
.tag.low{color:var(--low)}.tag.passed{color:var(--passed)}.tag.failed{color:var(--critical)}
.tag.skipped{color:var(--dim)}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--ground);border:1px solid var(--line);
border-radius:.3rem;padding:.6rem;margin:.4rem 0;font-size:.85rem;max-height:20rem;overflow:auto}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.35rem .7rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--dim);font-weight:500}td.number{font-variant-numeric:tabular-nums;white-space:nowrap}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html_of(report: Report) -> str:
    """The page."""
    findings = report.findings
    title = f"Audit of {report.target.reference}"
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name=viewport content="width=device-width,initial-scale=1">',
        f"<title>{text(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{text(title)}</h1>",
        f"<p class=dim>{text(_told(report))}</p>",
        _tiles(findings),
        "<h2>Findings</h2>",
        *(_finding(one) for one in findings),
        "" if findings else "<p>Nothing found.</p>",
        "<h2>Rates</h2>",
        _rates(report),
        "<h2>Probes</h2>",
        _probes(report.results),
        "</body></html>\n",
    ]
    return "".join(parts)


def _told(report: Report) -> str:
    cases = f"{len(report.cases)} cases ({report.cases_from})"
    return f"{report.ref} · {report.made} · {cases} · {report.seconds:.1f} s"


def text(value: object) -> str:
    """A text for the page: escaped, control characters and lone surrogates made visible."""
    lines = str(value).split("\n")
    return "\n".join(escape(printable(line)) for line in lines)


def _tiles(findings: Iterable[Finding]) -> str:
    counts = dict.fromkeys(reversed(SEVERITIES), 0)
    for one in findings:
        counts[one.severity] += 1
    tiles = "".join(
        f'<div class=tile><b class="tag {level}">{count}</b>{level}</div>'
        for level, count in counts.items()
    )
    return f"<div class=tiles>{tiles}</div>"


def _finding(one: Finding) -> str:
    is_open = " open" if one.severity == "critical" else ""
    parts = [
        f'<details class="{one.severity}"{is_open}><summary><span class="tag {one.severity}">',
        f"{one.severity}</span>{text(one.what)} <span class=dim>{text(one.probe)} · ",
        f"{one.failed} of {one.tried}</span></summary>",
    ]
    if one.completion is not None:
        parts.append(
            f"<p class=dim>completion (case {text(one.case)})</p><pre>{text(one.completion)}</pre>"
        )
    if one.expected or one.got:
        parts.append(f"<p>expected: {text(one.expected or '–')}; got: {text(one.got or '–')}</p>")
    if one.advice:
        parts.append(f"<p>What to do: {text(one.advice)}</p>")
    if one.reproduce:
        parts.append(f"<p class=dim>to see it</p><pre>{text(one.reproduce)}</pre>")
    return "".join([*parts, "</details>"])


def _rates(report: Report) -> str:
    rows = "".join(
        f"<tr><td>{text(name)}</td>"
        + "".join(f"<td class=number>{text(cell)}</td>" for cell in rate_cells(rate))
        + "</tr>"
        for name, rate in report.rates.items()
    )
    head = "".join(
        f"<th>{name}</th>"
        for name in ("", "rate", "95 % interval", "trials", "a rate from here would have shown")
    )
    return f"<div class=wide><table><tr>{head}</tr>{rows}</table></div>"


def _probes(results: Iterable[ProbeResult]) -> str:
    rows = "".join(
        f'<tr><td><span class="tag {result.status}">{result.status}</span></td>'
        f"<td>{text(result.probe)}</td><td>{text(result.about)}"
        + (f"<br><span class=dim>{text(result.reason[:300])}</span>" if result.reason else "")
        + "".join(
            f"<br><span class=dim>{text(name)}: {text(value)}</span>"
            for name, value in result.figures.items()
        )
        + f"</td><td class=number>{result.seconds:.2f} s</td></tr>"
        for result in results
    )
    return f"<div class=wide><table>{rows}</table></div>"
