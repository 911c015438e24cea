"""The catalogue in docs/audit.md names every probe of this package, with its severity."""

import re
from pathlib import Path

import pytest
from rlvr_audit.probing import installed_probes

PAGE = Path(__file__).parents[3] / "docs" / "audit.md"
FAMILIES = "cases|contract|infrastructure|recall|channel|shaping|judge|execution"


@pytest.mark.skipif(not PAGE.is_file(), reason="the page lies in the repository of RLVR-Ops")
def test_every_probe_is_in_the_catalogue_with_its_worst_severity():
    probes, broken = installed_probes()
    rows = re.findall(rf"^\| `((?:{FAMILIES})/\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    ours = {
        name: one.severity
        for name, one in probes.items()
        if name.split("/")[0] in FAMILIES.split("|")
    }
    assert dict(rows) == ours
    assert not broken
