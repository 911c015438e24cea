"""Family `infrastructure`."""

PROBES: dict[str, object] = {}
