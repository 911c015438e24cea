"""Family `judge`."""

PROBES: dict[str, object] = {}
