"""`rlvr monitor`: serve the page to look at runs."""

from __future__ import annotations

from pathlib import Path

import click

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("folder", type=FOLDER, default=Path("runs"))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=8790, show_default=True, help="0: any free port.")
@click.option(
    "--token", envvar="RLVR_MONITOR_TOKEN", help="What a reader must know. Made if --host is open."
)
@click.option("--cache", type=FOLDER, help="Where the database is kept. Default: ~/.cache.")
def monitor_command(
    folder: Path, host: str, port: int, token: str | None, cache: Path | None
) -> None:
    """Look at the runs in FOLDER (default: runs), or at one run, in a browser."""
    import secrets
    import socket

    import uvicorn

    from rlvr_monitor.pages.app import make_app
    from rlvr_monitor.pages.guard import LOOPBACK
    from rlvr_monitor.store.schema import Database, default_cache, default_labels
    from rlvr_ops_core import RunError

    if not folder.is_dir():
        raise RunError(
            f"there is no folder {folder}", hint="give the folder of your runs, or of one run"
        )
    database = Database(cache or default_cache(folder), default_labels())
    database.prepare()
    if host not in LOOPBACK and token is None:
        token = secrets.token_urlsafe(24)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server_socket = socket.socket(family)
    server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server_socket.bind((host, port))
    except OSError as error:
        raise RunError(
            f"can't listen at {host}:{port}: {error.strerror}", hint="another one: --port 0"
        ) from None
    shown = f"[{host}]" if ":" in host else host
    query = f"/?token={token}" if token else "/"
    click.echo(f"look at {folder} at http://{shown}:{server_socket.getsockname()[1]}{query}")
    click.echo("Ctrl-C ends")
    config = uvicorn.Config(
        make_app(database, folder, token=token),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[server_socket])
