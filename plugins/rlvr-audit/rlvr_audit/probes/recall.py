"""Family `recall`."""

PROBES: dict[str, object] = {}
