"""Family `shaping`."""

PROBES: dict[str, object] = {}
