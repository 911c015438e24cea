"""Sandboxes in hardened, long-lived containers: `docker`, and with the runtime runsc `gvisor`.

One container holds one fork server. It has no network, a read-only root, no capabilities, no way
to gain any, an unprivileged user, docker's own seccomp profile and ours, and bounded processes,
memory and processor time. When its control connection closes it ends, and docker removes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rlvr_rewards_code.backends.image import image_tag
from rlvr_rewards_code.backends.relay import Relay
from rlvr_rewards_code.backends.sandbox import START_TIMEOUT_S, Sandbox, SandboxBroken, Setup
from rlvr_rewards_code.jail.zygote import SPARES

LABEL = "rlvr-rewards-code"
_INSIDE = "/run/rlvr"
_EXTRA_MB = 256
"""For the fork server and the processes that wait, beside one program's memory."""
_TESTS_MB = 2048


@dataclass(frozen=True)
class Docker:
    """A sandbox that is a container."""

    runtime: str = "runc"

    @property
    def name(self) -> str:
        """`docker` or `gvisor`."""
        return "gvisor" if self.runtime == "runsc" else "docker"

    @property
    def own_tasks(self) -> int:
        """Threads and processes that are not the program's; gVisor is a kernel with many."""
        return 512 if self.runtime == "runsc" else 16 + SPARES

    def unavailable(self) -> str:
        """Why it can't be used here; asks the daemon, once a process."""
        return _problem(self.runtime)

    def start(self, setup: Setup, use: str, processor: int | None = None) -> Sandbox:
        """Start a container for `programs` or `tests`, on one processor if that is given.

        Under gVisor, and where the daemon is elsewhere, it runs on any.

        Raises:
            SandboxBroken: it does not start.
        """
        import docker.errors
        import requests

        try:
            with _daemon() as client:
                if self.runtime == "runc" and _is_local():
                    return _start_with_socket(self, client, setup, use, processor)
                return _start_with_stream(self, client, setup, use)
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            raise SandboxBroken(f"{self.name}: {str(error)[:300]}") from error


def _start_with_socket(
    backend: Docker, client: Any, setup: Setup, use: str, processor: int | None
) -> Sandbox:
    """Talk over a socket in a folder that the container shares: descriptors can travel."""
    folder = tempfile.mkdtemp(prefix="rlvr-code-")
    try:
        meeting = Path(folder, "control")
        meeting.mkdir(mode=0o755)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(meeting / "socket"))
            (meeting / "socket").chmod(0o777)  # the folder around it is ours alone
            listener.listen(1)
            listener.settimeout(START_TIMEOUT_S)
            shared = {str(meeting): {"bind": _INSIDE, "mode": "ro"}}
            orders = _orders(setup, use, meeting=f"{_INSIDE}/socket", processor=processor)
            container = _run(backend, client, setup, use, orders, volumes=shared)
            try:
                control, _ = listener.accept()
            except TimeoutError:
                _remove(container)
                raise SandboxBroken("the container did not connect") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _ready(control, container)


def _start_with_stream(backend: Docker, client: Any, setup: Setup, use: str) -> Sandbox:
    """Talk over the container's standard input and output: works through any border."""
    orders = _orders(setup, use, meeting="")
    container = _run(backend, client, setup, use, orders, stdin_open=True, start=False)
    try:
        wire = AttachedStream(container)
        container.start()
    except BaseException:
        _remove(container)
        raise
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    Relay(wire, theirs)
    return _ready(ours, container, passes_descriptors=False)


def _ready(control: socket.socket, container: Any, *, passes_descriptors: bool = True) -> Sandbox:
    sandbox = Sandbox(control, lambda: _remove(container), passes_descriptors=passes_descriptors)
    try:
        sandbox.wait_until_ready()
    except SandboxBroken:
        sandbox.close()
        raise
    return sandbox


def _orders(setup: Setup, use: str, *, meeting: str, processor: int | None = None) -> str:
    orders = {
        "walls": "container",
        "use": use,
        "control": -1,
        "meeting": meeting,
        "preload": setup.preload,
        "disk_mb": setup.disk_mb,
        "file_mb": setup.file_mb,
        "processes": setup.processes,
        "threads": setup.threads,
        "processor": processor,
    }
    return json.dumps(orders)


def _run(
    backend: Docker,
    client: Any,
    setup: Setup,
    use: str,
    orders: str,
    *,
    start: bool = True,
    **more: Any,
) -> Any:
    memory = f"{(setup.memory_mb if use == 'programs' else _TESTS_MB) + _EXTRA_MB}m"
    scratch = {
        "/tmp": f"size={setup.disk_mb}m,mode=1777,noexec,nosuid,nodev"
    }  # the container's own
    container = client.containers.create(
        image_tag(),
        [orders],
        detach=start,  # attached: its input ends with our connection, so it can't outlive us
        auto_remove=True,
        runtime=backend.runtime,
        network_mode="none",
        ipc_mode="none" if backend.runtime == "runc" else None,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        user="65534:65534",
        pids_limit=backend.own_tasks + setup.threads + setup.processes,
        mem_limit=memory,
        memswap_limit=memory,
        nano_cpus=1_000_000_000,
        tmpfs=scratch if setup.disk_mb else {},
        labels={LABEL: str(os.getpid())},
        **more,
    )
    if start:
        try:
            container.start()
        except BaseException:
            _remove(container)
            raise
    return container


def _remove(container: Any) -> None:
    import docker.errors
    import requests

    with (
        contextlib.suppress(docker.errors.DockerException, requests.RequestException),
        _daemon() as client,
    ):
        client.api.remove_container(container.id, force=True)


class AttachedStream:
    """A container's standard streams. Docker wraps what comes out: a head of eight bytes each."""

    def __init__(self, container: Any) -> None:
        options = {"stdin": 1, "stdout": 1, "stderr": 0, "stream": 1}
        self.holder = container.attach_socket(params=options)  # closes the connection when dropped
        self.socket: socket.socket = getattr(self.holder, "_sock", self.holder)
        self.socket.settimeout(None)
        self.buffer = bytearray()

    def fileno(self) -> int:
        """For `select`."""
        return self.socket.fileno()

    def receive(self) -> bytes:
        """What the container wrote; empty at the end. Waits for a whole piece."""
        while True:
            found = self._whole_pieces()
            if found:
                return found
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                return b""
            self.buffer += chunk

    def _whole_pieces(self) -> bytes:
        found = []
        while len(self.buffer) >= 8:
            end = 8 + int.from_bytes(self.buffer[4:8], "big")
            if len(self.buffer) < end:
                break
            found.append(bytes(self.buffer[8:end]))
            del self.buffer[:end]
        return b"".join(found)

    def send(self, data: bytes) -> None:
        """Write to the container's standard input."""
        self.socket.sendall(data)

    def close(self) -> None:
        """Let go of the streams: the container's input ends, and so does the container."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.holder.close()
        self.socket.close()


@contextlib.contextmanager
def _daemon(timeout_s: float = START_TIMEOUT_S) -> Iterator[Any]:
    """A connection to the daemon, closed at the end."""
    import docker

    _knock()
    client = docker.from_env(timeout=int(timeout_s))
    try:
        yield client
    finally:
        client.close()


def _knock() -> None:
    """Raise OSError if nobody listens: the package docker would leave its socket open then."""
    address = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.connect(address.removeprefix("unix://"))


def _is_local() -> bool:
    """The daemon shares our file system, as far as its address tells."""
    return not os.environ.get("DOCKER_HOST", "unix://").startswith(("tcp:", "ssh:", "http"))


@cache
def _problem(runtime: str) -> str:
    name = Docker(runtime).name
    try:
        import docker.errors
        import requests
    except ImportError:
        return f"{name}: the package docker is not installed"
    try:
        with _daemon(2.0) as client:
            runtimes = client.info().get("Runtimes", {})
            if runtime not in runtimes:
                return f"{name}: docker has no runtime {runtime}, only {', '.join(runtimes)}"
            client.images.get(image_tag())
    except docker.errors.ImageNotFound:
        return f"{name}: the image {image_tag()} is not there; build it with: rlvr code-image"
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        return f"{name}: no daemon answers: {str(error)[:120]}"
    return ""
