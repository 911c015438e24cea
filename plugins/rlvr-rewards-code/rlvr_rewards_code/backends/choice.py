"""Which backend to use: the one that was asked for, or the first that isolates here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

from rlvr_ops_core import RewardLoadError
from rlvr_rewards_code.backends.local import Local
from rlvr_rewards_code.backends.sandbox import Backend

BackendName = Literal["auto", "namespaces", "docker", "gvisor", "seccomp", "restricted"]
IN_ORDER = ("namespaces", "docker", "seccomp")
"""How `auto` tries; `restricted` and `gvisor` only ever by name."""


def backend_named(name: str) -> Backend:
    """A backend, whether it can be used here or not."""
    if name in ("docker", "gvisor"):
        from rlvr_rewards_code.backends.docker import Docker

        return Docker(runtime="runsc" if name == "gvisor" else "runc")
    return Local(name)


@cache
def choose(name: str) -> Backend:
    """The backend to use.

    Raises:
        RewardLoadError: it can't be used here, or none can; says what to install.
    """
    if name != "auto":
        backend = backend_named(name)
        problem = backend.unavailable()
        if problem:
            raise RewardLoadError(f"the code sandbox can't be used: {problem}", hint=ADVICE[name])
        return backend
    problems = []
    for candidate in IN_ORDER:
        backend = backend_named(candidate)
        problem = backend.unavailable()
        if not problem:
            return backend
        problems.append(problem)
    hint = "\n".join([*problems, *(ADVICE[one] for one in IN_ORDER)])
    raise RewardLoadError(
        "no sandbox can be had here, and programs never run without one", hint=hint
    )


ADVICE = {
    "namespaces": "namespaces: allow user namespaces (sysctl user.max_user_namespaces=15000; "
    "on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0)",
    "docker": 'docker: start dockerd, pip install "rlvr-rewards-code[docker]", '
    "and build the image: rlvr code-image",
    "gvisor": "gvisor: install runsc, add it to /etc/docker/daemon.json as a runtime, "
    "and all that docker needs",
    "seccomp": "seccomp: Linux 5.13 or newer with Landlock (lsm=landlock,…), on x86_64 or aarch64",
    "restricted": 'restricted: pip install "rlvr-rewards-code[restricted]"',
}


def details() -> Iterator[str]:
    """Which backend `auto` takes here and why, a line each; for `rlvr plugins -v`."""
    chosen = ""
    for candidate in IN_ORDER:
        problem = backend_named(candidate).unavailable()
        if problem:
            yield f"not {problem}"
        elif not chosen:
            chosen = candidate
            yield f"backend auto = {candidate}: the first of {', '.join(IN_ORDER)} that works here"
        else:
            yield f"{candidate} works here too"
    if not chosen:
        yield "no sandbox can be had here; code/tests refuses to run programs"
