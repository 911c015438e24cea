"""Libraries in fewer pieces: which neighbours become one, and that everything still runs."""

import re
import subprocess
import sys

import pytest
from rlvr_rewards_code.jail.mappings import _piece, runs_of

USUAL = """\
7f00000000-7f00002000 r--p 00000000 fe:00 1    /lib/a.so
7f00002000-7f00008000 r-xp 00002000 fe:00 1    /lib/a.so
7f00008000-7f0000a000 r--p 00008000 fe:00 1    /lib/a.so
7f0000a000-7f0000b000 r--p 00009000 fe:00 1    /lib/a.so
7f0000b000-7f0000c000 rw-p 0000a000 fe:00 1    /lib/a.so
7f0000c000-7f0000e000 r--p 00000000 fe:00 2    /lib/b.so
7f0000e000-7f0000f000 rw-p 00000000 00:00 0
"""
STRAIGHT = """\
7f00000000-7f00002000 r--p 00000000 fe:00 1    /lib/with a space.so
7f00002000-7f00008000 r-xp 00002000 fe:00 1    /lib/with a space.so
7f00008000-7f0000a000 r--p 00008000 fe:00 1    /lib/with a space.so
7f0000a000-7f0000b000 rw-p 0000a000 fe:00 1    /lib/with a space.so
"""


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        (USUAL, [(0, 0xA000), (0xA000, 0xC000)]),
        (STRAIGHT, [(0, 0x8000), (0x8000, 0xB000)]),  # data never becomes code
    ],
)
def test_code_and_what_it_reads_become_one_and_data_another(maps, expected):
    runs = runs_of([_piece(line) for line in maps.splitlines()])
    assert [(run[0].start & 0xFFFFF, run[-1].end & 0xFFFFF) for run in runs] == expected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what lies where")
def test_a_process_runs_on_with_half_the_pieces():
    code = (
        "import json, math, random, struct\n"
        "from rlvr_rewards_code.jail import mappings\n"
        "count = lambda: sum('.so' in line for line in open('/proc/self/maps'))\n"
        "before = count(); mappings.merge()\n"
        "print(before, count(), json.dumps(math.gcd(12, 18)), len(struct.pack('d', 1.0)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after, *worked = map(int, re.findall(r"\d+", done.stdout))
    assert after <= 0.6 * before
    assert worked == [6, 8]
