"""`rlvr code-image`: build the image for the docker backend."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click


@click.command("code-image")
@click.option(
    "--base", default="", help="Base image with a python3; default python:3.11-slim-bookworm."
)
@click.option(
    "--rootfs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Offline: a root file system tar with a python3.",
)
@click.option("--host", is_flag=True, help="Offline: pack this machine's own Python.")
def code_image(base: str, rootfs: Path | None, host: bool) -> None:
    """Build the image that the docker backend of code/tests runs."""
    try:
        import docker.errors
        import requests
    except ImportError:
        raise click.ClickException(
            'the package docker is not installed: pip install "rlvr-rewards-code[docker]"'
        ) from None
    from rlvr_rewards_code.backends.image import DEFAULT_BASE, build, write_rootfs

    try:
        if host:
            with tempfile.TemporaryDirectory() as folder:
                packed = Path(folder, "rootfs.tar")
                write_rootfs(packed)
                tag = build(rootfs=packed)
        else:
            tag = build(base=base or DEFAULT_BASE, rootfs=rootfs)
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise click.ClickException(f"docker can't build it: {error}") from None
    click.echo(tag)
