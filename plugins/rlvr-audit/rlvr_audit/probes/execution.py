"""Family `execution`."""

PROBES: dict[str, object] = {}
