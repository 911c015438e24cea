"""Pipeline files with mistakes, and what `rlvr check` must say of each, word for word.

Most are the sound file below with one change. In what is expected, FILE stands for the pipeline
file and FOLDER for its folder; a line that begins with two spaces says what to do.
"""

# ruff: noqa: E501  # messages stand here as they are printed

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ECHO_FILE = Path(__file__).parent / "echo" / "rlvr_echo.py"

SOUND = """\
name: sound
seed: 0
model: skill=0.2
plugins: [rlvr_echo.py]
data:
  train: {use: rlvr_echo/sums, limit: 9}
rewards:
  correct: {use: rlvr_echo/exact}
  brief: {use: rlvr_echo/brief, weight: 0.1}
stages:
  - {train: policy, use: rlvr_echo/learn, data: train, rewards: [correct, brief], steps: 3}
  - {evaluate: policy, data: train, rewards: correct}
"""

MANY = """\
name: my run
seed: yes
plugins: [rlvr_echo.py, boom.py]
data:
  train: {use: rlvr_echo/sums, limt: 3}
rewards:
  correct: {use: rlvr_echo/exat, weight: heavy, only_if: tidy}
  brief: {use: boom/brief}
stages:
  - {train: policy, use: rlvr_echo/lern, data: tain, rewards: [corect]}
  - {trian: better, use: rlvr_echo/learn, start: polcy, steps: x}
  - evaluate: [better, best]
    samples: 0
    pass_on: brief
    rewards: [correct, 5]
monitor: {}
"""

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

PLUGIN_FILES = {
    "boom.py": "raise RuntimeError('boom\\n\\x1b[31mred')\n",
    "leaves.py": "raise SystemExit(3)\n",
    "slip.py": "def rlvr_rewards(:\n",
    "misspelt.py": (
        "from rlvr_ops_core import hookimpl\n@hookimpl\ndef rlvr_reward():\n    return {}\n"
    ),
    "needy.py": """
from dataclasses import dataclass
from rlvr_ops_core import hookimpl

def exact(sample):
    return True

def odd(answer):
    return True

def unreadable(sample, *, limit: "Nowhere" = 1):
    return True

@dataclass(frozen=True, kw_only=True)
class Rows:
    path: str
    sizes: dict[str, int] | None = None
    when: list[int] | str = "now"
    def __post_init__(self):
        if self.sizes and self.when == "never":
            raise ValueError("sizes say nothing where when is never\\nleave one of them out")
    def __call__(self):
        return []

def greedy(job):
    pass

greedy.__rlvr_needs__ = ("model", "data", "rewards")

def handing(job, **options):
    pass

handing.__rlvr_pass_through__ = lambda: frozenset({"learning_rate", "beta"})

@hookimpl
def rlvr_rewards():
    return {"exact": exact, "odd": odd, "unreadable": unreadable}

@hookimpl
def rlvr_data_sources():
    return {"rows": Rows}

@hookimpl
def rlvr_trainers():
    return {"greedy": greedy, "handing": handing}
""",
    "mute.py": (
        "from rlvr_ops_core import hookimpl\ndef few(model, tasks, *, samples, seed): return []\n"
        "@hookimpl\ndef rlvr_samplers():\n    return {'few': few}\n"
    ),
    "rows.txt": "no Python\n",
}


@dataclass(frozen=True)
class Wrong:
    title: str
    content: str | bytes
    expected: Sequence[str]
    settings: Sequence[str] = ()


def but(old: str, new: str) -> str:
    """The sound file with one change."""
    assert SOUND.count(old) == 1, old
    return SOUND.replace(old, new)


def write_plugins(folder: Path) -> None:
    """Put the plugin files that the pipelines name into a folder."""
    for name, text in PLUGIN_FILES.items():
        (folder / name).write_text(text)
    shutil.copy(ECHO_FILE, folder / "rlvr_echo.py")
    shutil.copy(ECHO_FILE, folder / "second.py")
    (folder / "other").mkdir()
    (folder / "other" / "needy.py").write_text(PLUGIN_FILES["needy.py"])


WRONG: list[Wrong] = [
    # What is no pipeline at all
    Wrong(
        "empty file",
        "",
        [
            "FILE:1: is empty",
            "  a pipeline needs at least: name, stages",
        ],
    ),
    Wrong(
        "only comments",
        "# nothing\n",
        [
            "FILE:1: is empty",
            "  a pipeline needs at least: name, stages",
        ],
    ),
    Wrong(
        "a list at the top",
        "- train: policy\n",
        [
            "FILE:1: a pipeline must be a mapping, with name: and stages: at its left edge",
        ],
    ),
    Wrong(
        "a bare word",
        "hello\n",
        [
            "FILE:1: a pipeline must be a mapping, with name: and stages: at its left edge",
        ],
    ),
    Wrong(
        "indented with a tab",
        "name: x\nstages:\n\t- {train: policy}\n",
        [
            "FILE:3: is no YAML: a line can't begin with a tab",
            "  indent with spaces",
        ],
    ),
    Wrong(
        "a bracket left open",
        but("plugins: [rlvr_echo.py]", "plugins: [rlvr_echo.py"),
        [
            "FILE:4: is no YAML: \"[\" opens here and is not closed: expected ',' or ']', but got ':'",
            "  close it, or put the comma that is missing; the reader gave up on line 5",
        ],
    ),
    Wrong(
        "a brace left open",
        but("rewards: correct}", "rewards: correct"),
        [
            "FILE:12: is no YAML: \"{\" opens here and is not closed: expected ',' or '}', but got '<stream end>'",
            "  close it, or put the comma that is missing; the reader gave up on line 13",
        ],
    ),
    Wrong(
        "a colon too many",
        but("name: sound", "name: so: und"),
        [
            "FILE:1: is no YAML: mapping values are not allowed here",
            "  check the indentation; put text with a colon in quotes",
        ],
    ),
    Wrong(
        "two documents",
        "name: x\n---\nname: y\n",
        [
            "FILE:2: is no YAML: a second document begins here",
            "  remove the line ---",
        ],
    ),
    Wrong(
        "an alias of nothing",
        but("limit: 9", "limit: *nine"),
        [
            "FILE:6: is no YAML: found undefined alias 'nine'",
            "  look at this line and the one before it",
        ],
    ),
    Wrong(
        "an alias bomb",
        BOMB,
        [
            "FILE:1: holds more than 20,000 values, aliases (*name) written out",
            "  a pipeline names its data, it does not hold it: use a data source",
        ],
    ),
    Wrong(
        "an alias that holds itself",
        "name: x\nstages: &stages\n  - *stages\n",
        [
            "FILE:2: is nested more than 50 deep, or an alias (*name) holds itself",
        ],
    ),
    Wrong(
        "nested too deeply to be read",
        "name: " + "[" * 3000 + "\n",
        [
            "FILE:1: is nested too deeply",
        ],
    ),
    Wrong(
        "nested deeper than any pipeline",
        "name: " + "[" * 200 + "]" * 200 + "\n",
        [
            "FILE:1: is nested more than 50 deep, or an alias (*name) holds itself",
        ],
    ),
    Wrong(
        "a Python object",
        but("name: sound", "name: !!python/object/apply:os.system [ls]"),
        [
            "FILE:1: is no YAML: the tag !!python/object/apply:os.system is not allowed",
            "  write plain values: text, numbers, true, false, lists and mappings",
        ],
    ),
    Wrong(
        "a set",
        but("name: sound", "name: !!set {a, b}"),
        [
            "FILE:1: is no YAML: the tag !!set is not allowed",
            "  write plain values: text, numbers, true, false, lists and mappings",
        ],
    ),
    Wrong(
        "a control character",
        but("name: sound", "name: so\x00und"),
        [
            "FILE:1: is no YAML: the character U+0000 is not allowed",
            "  remove it, or escape it in quotes",
        ],
    ),
    Wrong(
        "bytes that are no text",
        bytes(range(256)),
        [
            "FILE:2: is no text: byte 0x80 is not UTF-8",
            "  give a YAML file, saved as UTF-8",
        ],
    ),
    Wrong(
        "UTF-16",
        SOUND.encode("utf-16"),
        [
            "FILE:1: is no text: byte 0xff is not UTF-8",
            "  give a YAML file, saved as UTF-8",
        ],
    ),
    Wrong(
        "a huge file",
        "# " + "x" * 2**20,
        [
            "FILE: is larger than 1 MiB",
            "  a pipeline names its data, it does not hold it: use a data source",
        ],
    ),
    # Keys
    Wrong(
        "unknown key with a nearest",
        but("seed: 0", "sed: 0"),
        [
            'FILE:2: sed: unknown key; did you mean "seed"?',
        ],
    ),
    Wrong(
        "unknown key without a nearest",
        but("seed: 0", "colour: red"),
        [
            "FILE:2: colour: unknown key; it takes: name, seed, model, plugins, error_budget, launch, require_audit, data, rewards, monitors, stages",
        ],
    ),
    Wrong(
        "a key given twice",
        but("seed: 0", "seed: 0\nseed: 1"),
        [
            'FILE:3: seed: "seed" is given twice; the first is on line 2',
            "  remove one of them",
        ],
    ),
    Wrong(
        "a nested key given twice",
        but("limit: 9", "limit: 9, limit: 8"),
        [
            'FILE:6: data.train.limit: "limit" is given twice; the first is on line 6',
            "  remove one of them",
        ],
    ),
    Wrong(
        "an entry given twice",
        but("  brief: {", "  correct: {"),
        [
            'FILE:9: rewards.correct: "correct" is given twice; the first is on line 8',
            "  remove one of them",
        ],
    ),
    Wrong(
        "keys that are no text",
        '1: a\nyes: b\n[c, d]: e\n? {f: g}\n: h\n~: i\n"": j\n' + SOUND,
        [
            "FILE:1: a key must be text, but YAML reads 1 as a number",
            '  put it in quotes: "1"',
            "FILE:2: a key must be text, but YAML reads yes as true or false",
            '  put it in quotes: "yes"',
            "FILE:3: a key must be text, not a list or a mapping",
            "FILE:4: a key must be text, not a list or a mapping",
            "FILE:6: a key must be text, but YAML reads ~ as nothing",
            '  put it in quotes: "~"',
        ],
    ),
    Wrong(
        "a key with spaces and escapes",
        but("  brief: {", '  "my \\e[31m reward": {'),
        [
            "FILE:9: rewards.my \\x1b[31m reward: is no name: use up to 80 letters, digits, _, - and ., beginning with a letter or digit",
            'FILE:11: stages.0.rewards.1: unknown reward "brief"',
            "  rewards has: correct, my \\x1b[31m reward",
        ],
    ),
    # The top level
    Wrong(
        "no name",
        but("name: sound\n", ""),
        [
            "FILE:1: name: is required; add name: …",
        ],
    ),
    Wrong(
        "a bad name",
        but("name: sound", "name: my run!"),
        [
            'FILE:1: name: is no name: use up to 80 letters, digits, _, - and ., beginning with a letter or digit (got "my run!")',
        ],
    ),
    Wrong(
        "a name that leaves its folder",
        but("name: sound", "name: ../../etc"),
        [
            'FILE:1: name: is no name: use up to 80 letters, digits, _, - and ., beginning with a letter or digit (got "../../etc")',
        ],
    ),
    Wrong(
        "a number for a name",
        but("name: sound", "name: 12"),
        [
            "FILE:1: name: must be text: put it in quotes (got 12)",
        ],
    ),
    Wrong(
        "a negative seed",
        but("seed: 0", "seed: -1"),
        [
            "FILE:2: seed: must be at least 0 (got -1)",
        ],
    ),
    Wrong(
        "seed: yes",
        but("seed: 0", "seed: yes"),
        [
            "FILE:2: seed: must be a number, not yes/no (got true)",
        ],
    ),
    Wrong(
        "a fraction for a seed",
        but("seed: 0", "seed: 1.5"),
        [
            "FILE:2: seed: must be a whole number (got 1.5)",
        ],
    ),
    Wrong(
        "a seed of 5000 digits",
        but("seed: 0", "seed: ").replace("seed: ", "seed: " + "9" * 5000),
        [
            "FILE:2: seed: is too long a number (5,000 characters)",
        ],
    ),
    Wrong(
        "a model that is no text",
        but("model: skill=0.2", "model: [a, b]"),
        [
            'FILE:3: model: must be text (got ["a", "b"])',
        ],
    ),
    Wrong(
        "error budget of 2",
        but("seed: 0", "error_budget: 2"),
        [
            "FILE:2: error_budget: must be at most 1 (got 2)",
        ],
    ),
    Wrong(
        "error budget of nan",
        but("seed: 0", "error_budget: .nan"),
        [
            "FILE:2: error_budget: must be a number, not infinity or nan (got NaN)",
        ],
    ),
    Wrong(
        "a section that is a list",
        but("data:\n  train: {use: rlvr_echo/sums, limit: 9}\n", "data: [train]\n"),
        [
            'FILE:5: data: must be a mapping of names to values (got ["train"])',
        ],
    ),
    # Plugins
    Wrong(
        "plugins that are no list",
        but("plugins: [rlvr_echo.py]", "plugins: {rlvr_echo.py: yes}"),
        [
            'FILE:4: plugins: must be a list (got {"rlvr_echo.py": true})',
            'FILE:6: data.train.use: unknown data source "rlvr_echo/sums"',
            "  rlvr_echo.py lies beside the pipeline; add it: plugins: [rlvr_echo.py]",
            'FILE:8: rewards.correct.use: unknown reward "rlvr_echo/exact"',
            "  rlvr_echo.py lies beside the pipeline; add it: plugins: [rlvr_echo.py]",
            'FILE:9: rewards.brief.use: unknown reward "rlvr_echo/brief"',
            "  rlvr_echo.py lies beside the pipeline; add it: plugins: [rlvr_echo.py]",
            'FILE:11: stages.0.use: unknown trainer "rlvr_echo/learn"',
            "  rlvr_echo.py lies beside the pipeline; add it: plugins: [rlvr_echo.py]",
            "FILE:12: stages.1: no sampler is installed, so no model can answer",
            "  one comes with: pip install rlvr-trainer-grpo",
        ],
    ),
    Wrong(
        "a plugin that is no text",
        but("[rlvr_echo.py]", "[rlvr_echo.py, 3]"),
        [
            "FILE:4: plugins.1: must be text: put it in quotes (got 3)",
        ],
    ),
    Wrong(
        "a plugin file that is missing",
        but("[rlvr_echo.py]", "[rlvr_echo.py, rlvr_ecko.py]"),
        [
            'FILE:4: plugins.1: "rlvr_ecko.py" does not load: there is no file FOLDER/rlvr_ecko.py',
            '  did you mean "rlvr_echo.py"?',
        ],
    ),
    Wrong(
        "a plugin file without its ending",
        but("[rlvr_echo.py]", "[rlvr_echo.py, needy]"),
        [
            'FILE:4: plugins.1: "needy" does not load: there is no file FOLDER/needy',
            '  did you mean "needy.py"?',
        ],
    ),
    Wrong(
        "a plugin file with a syntax error",
        but("[rlvr_echo.py]", "[rlvr_echo.py, slip.py]"),
        [
            'FILE:4: plugins.1: "slip.py" does not load: SyntaxError: invalid syntax (FOLDER/slip.py:1)',
        ],
    ),
    Wrong(
        "a plugin that fails to import, and is used",
        but("[rlvr_echo.py]", "[rlvr_echo.py, boom.py]").replace("rlvr_echo/exact", "boom/exact"),
        [
            'FILE:4: plugins.1: "boom.py" does not load: RuntimeError: boom \\x1b[31mred (FOLDER/boom.py:1)',
            'FILE:8: rewards.correct.use: unknown reward "boom/exact"',
            '  the plugin "boom" does not load: RuntimeError: boom \\x1b[31mred (FOLDER/boom.py:1)',
        ],
    ),
    Wrong(
        "a plugin that leaves the program",
        but("[rlvr_echo.py]", "[rlvr_echo.py, leaves.py]"),
        [
            'FILE:4: plugins.1: "leaves.py" does not load: SystemExit: 3 (FOLDER/leaves.py:1)',
        ],
    ),
    Wrong(
        "a plugin with a misspelt hook",
        but("[rlvr_echo.py]", "[rlvr_echo.py, misspelt.py]"),
        [
            'FILE:4: plugins.1: "misspelt.py" does not load: unknown hook "rlvr_reward"; did you mean "rlvr_rewards"?',
        ],
    ),
    Wrong(
        "a plugin file that is no Python",
        but("[rlvr_echo.py]", "[rlvr_echo.py, rows.txt]"),
        [
            'FILE:4: plugins.1: "rows.txt" does not load: FOLDER/rows.txt is not a Python file (.py)',
        ],
    ),
    Wrong(
        "a plugin named twice",
        but("[rlvr_echo.py]", "[rlvr_echo.py, rlvr_echo.py]"),
        [
            'FILE:4: plugins.1: "rlvr_echo.py" is listed twice',
            "  remove one of them",
        ],
    ),
    Wrong(
        "two plugins of one name",
        but("[rlvr_echo.py]", "[rlvr_echo.py, needy.py, other/needy.py]"),
        [
            'FILE:4: plugins.2: "other/needy.py" does not load: FOLDER/needy.py and FOLDER/other/needy.py both claim the plugin name "needy"; neither loads: rename one',
        ],
    ),
    Wrong(
        "a plugin path that can't be",
        but("[rlvr_echo.py]", '[rlvr_echo.py, "a\\0b.py"]'),
        [
            'FILE:4: plugins.1: "a\\x00b.py" does not load: ValueError: embedded null byte',
        ],
    ),
    Wrong(
        "a plugin path that is too long",
        but("[rlvr_echo.py]", "[rlvr_echo.py, LONG]").replace("LONG", "x" * 5000),
        [
            'FILE:4: plugins.1: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" does not load: OSError: File name too long',
        ],
    ),
    Wrong(
        "a plugin beside the file but not listed",
        but("rlvr_echo/exact", "needy/exact"),
        [
            'FILE:8: rewards.correct.use: unknown reward "needy/exact"',
            "  needy.py lies beside the pipeline; add it: plugins: [needy.py]",
        ],
    ),
    # Components
    Wrong(
        "unknown component with a nearest",
        but("rlvr_echo/exact", "rlvr_echo/exat"),
        [
            'FILE:8: rewards.correct.use: unknown reward "rlvr_echo/exat"',
            '  did you mean "rlvr_echo/exact"?',
        ],
    ),
    Wrong(
        "unknown component without a nearest",
        but("rlvr_echo/sums", "rlvr_echo/zzz"),
        [
            'FILE:6: data.train.use: unknown data source "rlvr_echo/zzz"',
            '  did you mean "rlvr_echo/sums"?',
        ],
    ),
    Wrong(
        "unknown plugin",
        but("rlvr_echo/sums", "stranger/words"),
        [
            'FILE:6: data.train.use: unknown data source "stranger/words"',
            '  no plugin "stranger" is installed; installed: rlvr_echo/sums',
        ],
    ),
    Wrong(
        "our plugin, not installed",
        but("rlvr_echo/exact", "code/tests"),
        [
            'FILE:8: rewards.correct.use: unknown reward "code/tests"',
            "  it comes with: pip install rlvr-rewards-code",
        ],
    ),
    Wrong(
        "a component of another kind",
        but("rlvr_echo/sums", "rlvr_echo/learn"),
        [
            'FILE:6: data.train.use: unknown data source "rlvr_echo/learn"',
            '  "rlvr_echo/learn" is a trainer',
            "  installed: rlvr_echo/sums",
        ],
    ),
    Wrong(
        "a component without its plugin",
        but("rlvr_echo/exact", "exact"),
        [
            'FILE:8: rewards.correct.use: unknown reward "exact"',
            '  did you mean "rlvr_echo/exact"?',
        ],
    ),
    Wrong(
        "a component that is a list",
        but("use: rlvr_echo/exact", "use: [rlvr_echo/exact]"),
        [
            'FILE:8: rewards.correct.use: must be text (got ["rlvr_echo/exact"])',
        ],
    ),
    Wrong(
        "an entry without use",
        but("{use: rlvr_echo/exact}", "{weight: 2}"),
        [
            "FILE:8: rewards.correct.use: is required; add use: …",
        ],
    ),
    Wrong(
        "an entry that is only a name",
        but("{use: rlvr_echo/exact}", "rlvr_echo/exact"),
        [
            "FILE:8: rewards.correct: must be a mapping such as {use: rlvr_echo/exact}",
        ],
    ),
    Wrong(
        "an entry that is nothing",
        but("{use: rlvr_echo/exact}", ""),
        [
            "FILE:8: rewards.correct: must be a mapping such as {use: …}",
        ],
    ),
    Wrong(
        "a reward that takes something else",
        but("[rlvr_echo.py]", "[rlvr_echo.py, needy.py]").replace("rlvr_echo/exact", "needy/odd"),
        [
            "FILE:8: rewards.correct.use: reward 'odd' takes 'answer' first",
            "  name the first parameter sample (one answer), samples (a batch) or group (all answers to one prompt)",
        ],
    ),
    Wrong(
        "options that can't be read",
        but("[rlvr_echo.py]", "[rlvr_echo.py, needy.py]").replace(
            "rlvr_echo/exact", "needy/unreadable"
        ),
        [
            "FILE:8: rewards.correct.use: the options of 'unreadable' can't be read: name 'Nowhere' is not defined",
            "  annotate each keyword-only parameter with a type that can be imported",
        ],
    ),
    # Options
    Wrong(
        "unknown option with a nearest",
        but("steps: 3", "stpes: 3"),
        [
            'FILE:11: stages.0.stpes: unknown option; did you mean "steps"?',
        ],
    ),
    Wrong(
        "unknown option without a nearest",
        but("limit: 9", "colour: red"),
        [
            "FILE:6: data.train.colour: unknown option; it takes: split, limit, broken_row",
        ],
    ),
    Wrong(
        "an option that hides control characters",
        but("limit: 9", '"\\e[2J\\u202e": "\\e[31m"'),
        [
            "FILE:6: data.train.\\x1b[2J\\u202e: unknown option; it takes: split, limit, broken_row",
        ],
    ),
    Wrong(
        "required option missing",
        but("[rlvr_echo.py]", "[rlvr_echo.py, needy.py]").replace(
            "rlvr_echo/sums, limit: 9", "needy/rows"
        ),
        [
            "FILE:6: data.train.path: is required; add path: …",
        ],
    ),
    Wrong(
        "text for a number",
        but("limit: 9", "limit: many"),
        [
            'FILE:6: data.train.limit: must be a whole number (got "many")',
        ],
    ),
    Wrong(
        "yes for a number",
        but("limit: 9", "limit: yes"),
        [
            "FILE:6: data.train.limit: must be a number, not yes/no (got true)",
        ],
    ),
    Wrong(
        "a fraction for a whole number",
        but("steps: 3", "steps: 2.5"),
        [
            "FILE:11: stages.0.steps: must be a whole number (got 2.5)",
        ],
    ),
    Wrong(
        "a list for a number",
        but("limit: 9", "limit: [1, 2]"),
        [
            "FILE:6: data.train.limit: must be a whole number (got [1, 2])",
        ],
    ),
    Wrong(
        "a very long value",
        but("limit: 9", "limit: LONG").replace("LONG", "x" * 5000),
        [
            'FILE:6: data.train.limit: must be a whole number (got "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…)',
        ],
    ),
    Wrong(
        "a value that is none of the choices",
        but("limit: 9", "split: validation"),
        [
            "FILE:6: data.train.split: must be 'train' or 'test' (got \"validation\")",
        ],
    ),
    Wrong(
        "yes for a word",
        but("limit: 9", "split: yes"),
        [
            "FILE:6: data.train.split: must be 'train' or 'test'; YAML reads yes, no, on and off as true and false: put it in quotes (got true)",
        ],
    ),
    Wrong(
        "a wrong value inside an option",
        but("[rlvr_echo.py]", "[rlvr_echo.py, needy.py]").replace(
            "rlvr_echo/sums, limit: 9",
            "needy/rows, path: x, sizes: {a: 1, b: two}, when: [0, later]",
        ),
        [
            'FILE:6: data.train.sizes.b: must be a whole number (got "two")',
            'FILE:6: data.train.when.1: must be a whole number (got "later")',
        ],
    ),
    Wrong(
        "options that do not go together",
        but("[rlvr_echo.py]", "[rlvr_echo.py, needy.py]").replace(
            "rlvr_echo/sums, limit: 9", "needy/rows, path: x, sizes: {a: 1}, when: never"
        ),
        [
            "FILE:6: data.train.use: sizes say nothing where when is never",
            "  leave one of them out",
        ],
    ),
    Wrong(
        "an option that the pipeline sets",
        but("evaluate: policy", "evaluate: policy, seed: 3"),
        [
            "FILE:12: stages.1.seed: the pipeline sets it: no option here",
        ],
    ),
    Wrong(
        "a misspelt option that would be handed on",
        but("[rlvr_echo.py]", "[rlvr_echo.py, needy.py]")
        .replace("rlvr_echo/learn", "needy/handing")
        .replace("steps: 3", "learning_rte: 1"),
        [
            'FILE:11: stages.0.learning_rte: unknown option; did you mean "learning_rate"?',
        ],
    ),
    # Rewards
    Wrong(
        "weight of the wrong type",
        but("weight: 0.1", "weight: heavy"),
        [
            'FILE:9: rewards.brief.weight: must be a number (got "heavy")',
        ],
    ),
    Wrong(
        "an endless weight",
        but("weight: 0.1", "weight: .inf"),
        [
            "FILE:9: rewards.brief.weight: must be a number, not infinity or nan (got Infinity)",
        ],
    ),
    Wrong(
        "timeout of 0",
        but("weight: 0.1", "timeout_s: 0"),
        [
            "FILE:9: rewards.brief.timeout_s: must be more than 0 (got 0)",
        ],
    ),
    Wrong(
        "only_if a number",
        but("weight: 0.1", "only_if: 0.5"),
        [
            "FILE:9: rewards.brief.only_if: must be a reward's name, a list of them, or a mapping of name to least value (got 0.5)",
        ],
    ),
    Wrong(
        "only_if with a wrong least value",
        but("weight: 0.1", "only_if: {correct: yes}"),
        [
            'FILE:9: rewards.brief.only_if: must be a reward\'s name, a list of them, or a mapping of name to least value (got {"correct": true})',
        ],
    ),
    Wrong(
        "a gate that names nothing",
        but("weight: 0.1", "only_if: corect"),
        [
            'FILE:9: rewards.brief.only_if: unknown reward "corect"',
            '  did you mean "correct"?',
        ],
    ),
    Wrong(
        "gates in a list and a mapping that name nothing",
        but("weight: 0.1", "only_if: [correct, tidy]").replace(
            "exact}", "exact, only_if: {good: 0.5}}"
        ),
        [
            'FILE:8: rewards.correct.only_if.good: unknown reward "good"',
            "  rewards has: correct, brief",
            'FILE:9: rewards.brief.only_if.1: unknown reward "tidy"',
            "  rewards has: correct, brief",
        ],
    ),
    Wrong(
        "a gate on itself",
        but("weight: 0.1", "only_if: brief"),
        [
            "FILE:9: rewards.brief: waits for itself: brief -> brief",
            "  take one of them out of only_if or sum",
        ],
    ),
    Wrong(
        "a circle of gates",
        but("weight: 0.1", "only_if: correct").replace("exact}", "exact, only_if: brief}"),
        [
            "FILE:8: rewards.correct: waits for itself: correct -> brief -> correct",
            "  take one of them out of only_if or sum",
        ],
    ),
    Wrong(
        "a circle of sums",
        but(
            "{use: rlvr_echo/brief, weight: 0.1}",
            "{sum: [correct, brief2]}\n  brief2: {sum: brief}",
        ),
        [
            "FILE:9: rewards.brief: waits for itself: brief -> brief2 -> brief",
            "  take one of them out of only_if or sum",
        ],
    ),
    Wrong(
        "a sum of nothing",
        but("{use: rlvr_echo/brief, weight: 0.1}", "{sum: []}"),
        [
            "FILE:9: rewards.brief.sum: must not be empty (got [])",
        ],
    ),
    Wrong(
        "a sum of what is not there",
        but("{use: rlvr_echo/brief, weight: 0.1}", "{sum: [correct, tidy]}"),
        [
            'FILE:9: rewards.brief.sum.1: unknown reward "tidy"',
            "  rewards has: correct, brief",
        ],
    ),
    Wrong(
        "a sum with an option",
        but("{use: rlvr_echo/brief, weight: 0.1}", "{sum: [correct], limit: 3}"),
        [
            "FILE:9: rewards.brief.limit: unknown key; it takes: sum, weight, only_if, optional",
        ],
    ),
    Wrong(
        "a sum that is a reward as well",
        but("weight: 0.1", "sum: [correct]"),
        [
            'FILE:9: rewards.brief: has both "use" and "sum"',
            "  make each an entry of its own",
        ],
    ),
    # Stages
    Wrong(
        "stages missing",
        SOUND.partition("stages:")[0],
        [
            "FILE:1: stages: is required; add stages: …",
        ],
    ),
    Wrong(
        "stages empty",
        SOUND.partition("stages:")[0] + "stages: []\n",
        [
            "FILE:10: stages: must not be empty (got [])",
        ],
    ),
    Wrong(
        "stages that are nothing",
        SOUND.partition("stages:")[0] + "stages:\n",
        [
            "FILE:10: stages: must be a list (got nothing)",
        ],
    ),
    Wrong(
        "stages that are a mapping",
        SOUND.partition("stages:")[0] + "stages: {train: policy}\n",
        [
            'FILE:10: stages: must be a list (got {"train": "policy"})',
        ],
    ),
    Wrong(
        "a stage that is a word",
        SOUND.partition("stages:")[0] + "stages:\n  - train\n",
        [
            "FILE:11: stages.0: must be a mapping such as {train: policy, use: grpo/grpo}",
        ],
    ),
    Wrong(
        "a stage without a verb",
        but("train: policy, ", "").replace("evaluate: policy", "evaluate: base"),
        [
            "FILE:11: stages.0: has no verb",
            "  a stage begins with one of: train, evaluate, serve",
        ],
    ),
    Wrong(
        "a misspelt verb, and a mistake behind it",
        but("{train: policy", "{trian: policy").replace("steps: 3", "steps: x"),
        [
            'FILE:11: stages.0.trian: "trian" is no verb of a stage',
            '  did you mean "train"?',
            'FILE:11: stages.0.steps: must be a whole number (got "x")',
        ],
    ),
    Wrong(
        "two verbs",
        but("evaluate: policy", "evaluate: policy, serve: policy"),
        [
            "FILE:12: stages.1: has 2 verbs, evaluate and serve",
            "  make each a stage of its own",
        ],
    ),
    Wrong(
        "a stage without use",
        but("use: rlvr_echo/learn, ", ""),
        [
            "FILE:11: stages.0.use: is required; add use: …",
        ],
    ),
    Wrong(
        "an evaluation of nothing, without data and rewards",
        but("{evaluate: policy, data: train, rewards: correct}", "{evaluate: []}"),
        [
            "FILE:12: stages.1.evaluate: must not be empty (got [])",
            "FILE:12: stages.1.data: is required; add data: …",
            "FILE:12: stages.1.rewards: is required; add rewards: …",
        ],
    ),
    Wrong(
        "an environment that is misspelt, with mistakes in its fields and options",
        but("steps: 3}", "steps: 3, environment: {use: rlvr_echo/stairs, max_turns: 0}}")
        + "  - {train: other, use: rlvr_echo/learn, start: policy, data: train, environment: {use: rlvr_echo/ladder, stpes: 2}}\n",
        [
            "FILE:11: stages.0.environment.max_turns: must be at least 1 (got 0)",
            'FILE:11: stages.0.environment.use: unknown environment "rlvr_echo/stairs"',
            '  did you mean "rlvr_echo/ladder"?',
            'FILE:13: stages.2.environment.stpes: unknown option; did you mean "steps"?',
        ],
    ),
    Wrong(
        "an environment with a trainer and a sampler that play none, and with its reward's name taken",
        but("brief: {use: rlvr_echo/brief, weight: 0.1}", "environment: {use: rlvr_echo/brief}")
        .replace("rewards: [correct, brief], steps: 3}", "environment: {use: rlvr_echo/ladder}}")
        .replace("use: rlvr_echo/learn", "use: needy/greedy")
        .replace("rewards: correct}", "environment: {use: rlvr_echo/ladder}, use: mute/few}")
        .replace("[rlvr_echo.py]", "[rlvr_echo.py, needy.py, mute.py]"),
        [
            'FILE:9: rewards.environment: the name "environment" stands for what the environment of a stage pays',
            "  give this reward another name",
            'FILE:11: stages.0.environment: "needy/greedy" plays no environment',
            "  these do: rlvr_echo/learn",
            'FILE:12: stages.1.environment: "mute/few" plays no environment',
            "  these do: rlvr_echo/answer",
        ],
    ),
    Wrong(
        "unknown data",
        but("data: train, rewards: [", "data: trian, rewards: ["),
        [
            'FILE:11: stages.0.data: unknown data "trian"',
            '  did you mean "train"?',
        ],
    ),
    Wrong(
        "data where none is defined",
        but("data:\n  train: {use: rlvr_echo/sums, limit: 9}\n", ""),
        [
            'FILE:9: stages.0.data: unknown data "train"',
            "  define it: data: {train: {use: …}}",
            'FILE:10: stages.1.data: unknown data "train"',
            "  define it: data: {train: {use: …}}",
        ],
    ),
    Wrong(
        "unknown reward",
        but("[correct, brief]", "[correct, breif]"),
        [
            'FILE:11: stages.0.rewards.1: unknown reward "breif"',
            '  did you mean "brief"?',
        ],
    ),
    Wrong(
        "a reward named twice",
        but("[correct, brief]", "[correct, correct]"),
        [
            'FILE:11: stages.0.rewards.1: "correct" is named twice',
            "  remove one",
        ],
    ),
    Wrong(
        "two stages of one name",
        but("  - {evaluate", "  - {train: policy, use: rlvr_echo/learn}\n  - {evaluate"),
        [
            'FILE:12: stages.1: two stages are named "policy"; the first is stages.0',
            "  give the model another name",
        ],
    ),
    Wrong(
        "two evaluations without names",
        SOUND + "  - {evaluate: base, data: train, rewards: correct}\n",
        [
            'FILE:13: stages.2: two stages are named "evaluate"; the first is stages.1',
            "  give this one another: name: …",
        ],
    ),
    Wrong(
        "a model called base",
        but("train: policy", "train: base").replace("evaluate: policy", "evaluate: base"),
        [
            'FILE:11: stages.0.train: "base" is the model that the pipeline starts from',
            "  give this one another name",
        ],
    ),
    Wrong(
        "samples of 0",
        but("evaluate: policy", "evaluate: policy, samples: 0"),
        [
            "FILE:12: stages.1.samples: must be at least 1 (got 0)",
        ],
    ),
    Wrong(
        "pass_on not among the rewards",
        but("evaluate: policy", "evaluate: policy, pass_on: brief"),
        [
            'FILE:12: stages.1.pass_on: "brief" is not among the stage\'s rewards',
            "  one of: correct",
        ],
    ),
    Wrong(
        "a trainer that needs more than it is given",
        but("[rlvr_echo.py]", "[rlvr_echo.py, needy.py]")
        .replace(
            "rlvr_echo/learn, data: train, rewards: [correct, brief], steps: 3", "needy/greedy"
        )
        .replace("model: skill=0.2\n", ""),
        [
            "FILE:10: stages.0: needy/greedy needs model",
            "  name the one to start from: start: … here, or model: … at the top",
            "FILE:10: stages.0: needy/greedy needs data",
            "  add data: …",
            "FILE:10: stages.0: needy/greedy needs rewards",
            "  add rewards: […]",
        ],
    ),
    Wrong(
        "a port that is no number",
        SOUND + "  - {serve: policy, use: rlvr_echo/hello, port: web}\n",
        [
            'FILE:13: stages.2.port: must be a whole number (got "web")',
        ],
    ),
    Wrong(
        "a monitor with a wrong option",
        SOUND + "monitors:\n  tape: {use: rlvr_echo/tape, stop_at: soon}\n",
        [
            'FILE:14: monitors.tape.stop_at: must be a whole number (got "soon")',
        ],
    ),
    # Models
    Wrong(
        "unknown model",
        but("evaluate: policy", "evaluate: [base, polcy]"),
        [
            'FILE:12: stages.1.evaluate.1: unknown model "polcy"',
            '  did you mean "policy"?',
            "  one from outside is written owner/name (on the hub) or ./path",
        ],
    ),
    Wrong(
        "a model from outside without its owner",
        but("train: policy,", "train: policy, start: gpt2,"),
        [
            'FILE:11: stages.0.start: unknown model "gpt2"',
            "  there is: base",
            "  one from outside is written owner/name (on the hub) or ./path",
        ],
    ),
    Wrong(
        "a model that is made later",
        but("stages:\n", "stages:\n  - {serve: policy, use: rlvr_echo/hello}\n"),
        [
            'FILE:11: stages.0.serve: the model "policy" is made only later',
            "  move this stage down",
        ],
    ),
    Wrong(
        "a model that starts from itself",
        but("train: policy,", "train: policy, start: policy,"),
        [
            'FILE:11: stages.0.start: starts from "policy", which it makes itself',
            "  name another",
        ],
    ),
    Wrong(
        "the base model where none is named",
        but("model: skill=0.2\n", "").replace("evaluate: policy", "evaluate: [base, policy]"),
        [
            'FILE:11: stages.1.evaluate.0: unknown model "base"',
            "  the pipeline names no model to start from: add model: … at the top",
        ],
    ),
    # Samplers
    Wrong(
        "no sampler",
        but("plugins: [rlvr_echo.py]", "plugins: [needy.py]")
        .replace("rlvr_echo/sums, limit: 9", "needy/rows, path: x")
        .replace("rlvr_echo/exact", "needy/exact")
        .replace("rlvr_echo/brief", "needy/exact")
        .replace("rlvr_echo/learn", "needy/handing")
        .replace("steps: 3", "beta: 3"),
        [
            "FILE:12: stages.1: no sampler is installed, so no model can answer",
            "  one comes with: pip install rlvr-trainer-grpo",
        ],
    ),
    Wrong(
        "several samplers",
        but("[rlvr_echo.py]", "[rlvr_echo.py, second.py]").replace(
            "evaluate: policy", "evaluate: base"
        ),
        [
            "FILE:12: stages.1: more than one sampler is installed",
            "  say which: use: rlvr_echo/answer or second/answer",
        ],
    ),
    # --set
    Wrong(
        "a setting without a value",
        SOUND,
        [
            "--set seed: is not of the form PATH=VALUE, such as stages.1.steps=5",
        ],
        settings=["seed"],
    ),
    Wrong(
        "a setting with an empty place",
        SOUND,
        [
            "--set stages..steps=3: is not of the form PATH=VALUE, such as stages.1.steps=5",
        ],
        settings=["stages..steps=3"],
    ),
    Wrong(
        "a setting of an unknown key",
        SOUND,
        [
            '--set sed=3: sed: unknown key; did you mean "seed"?',
        ],
        settings=["sed=3"],
    ),
    Wrong(
        "a setting of a stage that is not there",
        SOUND,
        [
            '--set stages.polcy.steps=3: there is no "polcy"; did you mean "policy"?',
        ],
        settings=["stages.polcy.steps=3"],
    ),
    Wrong(
        "a setting of a stage number that is not there",
        SOUND,
        [
            '--set stages.7.steps=3: there is no "7"; the list has 2, counted from 0: policy, evaluate',
        ],
        settings=["stages.7.steps=3"],
    ),
    Wrong(
        "a setting inside a text",
        SOUND,
        [
            '--set name.first=x: "first" can\'t be set inside "sound"',
        ],
        settings=["name.first=x"],
    ),
    Wrong(
        "a setting with a wrong value",
        SOUND,
        [
            '--set stages.policy.steps=many: stages.0.steps: must be a whole number (got "many")',
        ],
        settings=["stages.policy.steps=many"],
    ),
    Wrong(
        "a setting that is no YAML",
        SOUND,
        [
            "--set stages.policy.steps=[1: is no YAML: \"[\" opens here and is not closed: expected ',' or ']', but got '<stream end>'",
            "  close it, or put the comma that is missing; the reader gave up on line 1",
        ],
        settings=["stages.policy.steps=[1"],
    ),
    Wrong(
        "a setting that gives a key twice",
        SOUND,
        [
            '--set stages.0={train: a, train: b}: train: "train" is given twice; the first is on line 1',
            "  remove one of them",
        ],
        settings=["stages.0={train: a, train: b}"],
    ),
    Wrong(
        "a setting that puts in a wrong stage",
        SOUND,
        [
            '--set stages.1={evaluate: policy, data: trian, rewards: [correct]}: stages.1.data: unknown data "trian"',
            '  did you mean "train"?',
        ],
        settings=["stages.1={evaluate: policy, data: trian, rewards: [correct]}"],
    ),
    Wrong(
        "settings and the file, all at once",
        but("limit: 9", "limt: 9"),
        [
            '--set stages.nobody.steps=1: there is no "nobody"; the list has 2, counted from 0: policy, evaluate',
            "--set seed=-1: seed: must be at least 0 (got -1)",
            '--set stages.policy.steps=x: stages.0.steps: must be a whole number (got "x")',
            'FILE:6: data.train.limt: unknown option; did you mean "limit"?',
        ],
        settings=["seed=-1", "stages.nobody.steps=1", "stages.policy.steps=x"],
    ),
    # Several
    Wrong(
        "many mistakes at once, in the order of their lines",
        MANY,
        [
            'FILE:1: name: is no name: use up to 80 letters, digits, _, - and ., beginning with a letter or digit (got "my run")',
            "FILE:2: seed: must be a number, not yes/no (got true)",
            'FILE:3: plugins.1: "boom.py" does not load: RuntimeError: boom \\x1b[31mred (FOLDER/boom.py:1)',
            'FILE:5: data.train.limt: unknown option; did you mean "limit"?',
            'FILE:7: rewards.correct.weight: must be a number (got "heavy")',
            'FILE:7: rewards.correct.use: unknown reward "rlvr_echo/exat"',
            '  did you mean "rlvr_echo/exact"?',
            'FILE:7: rewards.correct.only_if: unknown reward "tidy"',
            "  rewards has: correct, brief",
            'FILE:8: rewards.brief.use: unknown reward "boom/brief"',
            '  the plugin "boom" does not load: RuntimeError: boom \\x1b[31mred (FOLDER/boom.py:1)',
            'FILE:10: stages.0.data: unknown data "tain"',
            '  did you mean "train"?',
            'FILE:10: stages.0.rewards.0: unknown reward "corect"',
            '  did you mean "correct"?',
            'FILE:10: stages.0.use: unknown trainer "rlvr_echo/lern"',
            '  did you mean "rlvr_echo/learn"?',
            'FILE:11: stages.1.trian: "trian" is no verb of a stage',
            '  did you mean "train"?',
            'FILE:11: stages.1.start: unknown model "polcy"',
            '  did you mean "policy"?',
            "  one from outside is written owner/name (on the hub) or ./path",
            'FILE:11: stages.1.steps: must be a whole number (got "x")',
            "FILE:12: stages.2.data: is required; add data: …",
            'FILE:12: stages.2.evaluate.1: unknown model "best"',
            '  did you mean "better"?',
            "  one from outside is written owner/name (on the hub) or ./path",
            "FILE:13: stages.2.samples: must be at least 1 (got 0)",
            'FILE:14: stages.2.pass_on: "brief" is not among the stage\'s rewards',
            "  one of: correct",
            "FILE:15: stages.2.rewards.1: must be text: put it in quotes (got 5)",
            'FILE:16: monitor: unknown key; did you mean "monitors"?',
        ],
    ),
]
