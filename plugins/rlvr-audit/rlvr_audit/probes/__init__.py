"""The probes of this package, a family a file; each file ends with its mapping `PROBES`."""
