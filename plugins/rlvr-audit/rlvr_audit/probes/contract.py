"""Family `contract`."""

PROBES: dict[str, object] = {}
