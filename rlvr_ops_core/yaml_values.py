"""YAML that holds JSON values only: what a pipeline can say, read and written the same way."""

from __future__ import annotations

import re
from typing import Any

import yaml

LINE_MARKS = "\x85\u2028\u2029\ufeff"
"""What PyYAML writes as it is into text, and reads back as a line break or not at all."""

MERGE = "tag:yaml.org,2002:merge"


class Loader(yaml.SafeLoader):
    """YAML that gives JSON values only.

    `1e-5` and `1.5e3` are numbers; dates, `12:30` and `007` stay text.
    """


def _without_surprises() -> None:
    """Set the tags that `Loader` knows; YAML 1.1 has more than a pipeline can hold."""
    names = ("null", "bool", "int", "float", "str", "seq", "map")
    tags = {name: f"tag:yaml.org,2002:{name}" for name in names}
    constructors = yaml.SafeLoader.yaml_constructors
    Loader.yaml_constructors = {tag: constructors[tag] for tag in (*tags.values(), None)}
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    kept = {tags["null"], tags["bool"], MERGE}
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in patterns if tag in kept]
        for first, patterns in resolvers.items()
    }
    whole = r"[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0b[01_]+)$"
    broken = r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?$"
    exponent = r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$"
    special = r"[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
    Loader.add_implicit_resolver(tags["int"], re.compile(whole), list("-+0123456789"))
    number = re.compile(f"{broken}|{exponent}|{special}")
    Loader.add_implicit_resolver(tags["float"], number, list("-+.0123456789"))


_without_surprises()


class Dumper(yaml.SafeDumper):
    """Puts text in quotes that a reader takes for something else: ours (`1e5`) or another (`=`)."""


Dumper.yaml_implicit_resolvers = {
    first: [
        *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
        *Loader.yaml_implicit_resolvers.get(first, []),
    ]
    for first in {**yaml.SafeDumper.yaml_implicit_resolvers, **Loader.yaml_implicit_resolvers}
}


def to_yaml(value: Any) -> str:
    """A JSON value as YAML that `Loader` reads back unchanged."""
    text: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True)
    if any(mark in text for mark in LINE_MARKS):
        text = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=False)
    return text
