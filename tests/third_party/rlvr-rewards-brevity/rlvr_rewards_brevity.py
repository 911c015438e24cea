import rlvr_ops_core as rlvr


def short(sample: rlvr.Sample, *, limit: int = 500) -> float:
    """1.0 up to `limit` characters, then falling to 0.0 at twice that."""
    return min(1.0, max(0.0, 2 - len(sample.text) / limit))


@rlvr.hookimpl
def rlvr_rewards():
    return {"short": short}
