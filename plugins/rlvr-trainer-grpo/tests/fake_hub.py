"""A hub for one repository, on this machine: what huggingface_hub needs to create and upload it.

Small files come inside the commit, weights by LFS: batch, upload, verify. Every call but the LFS
uploads (which a hub signs) must carry the token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TOKEN = "hf_fake"
LFS = (".safetensors", ".bin", ".gguf")


class FakeHub(ThreadingHTTPServer):
    """`files` are those of the last commit, `calls` the paths that were asked for, in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[str] = []
        self.created: list[dict[str, str]] = []
        self.blobs: dict[str, bytes] = {}
        self.verified: set[str] = set()
        self.files: dict[str, bytes] = {}
        self.refuses = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def write(self, folder: Path) -> None:
        """The repository as a folder."""
        folder.mkdir()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


class Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        hub, path = self.server, self.path.partition("?")[0]
        hub.calls.append(path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.reply({"error": "no such token"}, status=401)
        elif hub.refuses:
            self.reply({"error": "you may only read here"}, status=403)
        elif path == "/api/repos/create":
            hub.created.append(json.loads(body))
            self.reply({"url": f"{hub.url}/somebody/model", "id": "somebody/model"})
        elif path == "/api/validate-yaml":  # of a README.md, which peft writes
            self.reply({"errors": [], "warnings": []})
        elif path.endswith("/preupload/main"):
            self.reply({"files": [upload_mode(file) for file in json.loads(body)["files"]]})
        elif path.endswith(".git/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            self.reply({"transfer": "basic", "objects": [self.actions(one) for one in objects]})
        elif path == "/verify":
            hub.verified.add(json.loads(body)["oid"])
            self.reply({})
        elif path.endswith("/commit/main"):
            for line in body.splitlines():
                self.commit(json.loads(line))
            url = f"{hub.url}/somebody/model/commit/0123abcd"
            self.reply({"commitUrl": url, "commitOid": "0123abcd"})
        else:
            self.reply({"error": f"unknown: {path}"}, status=404)

    def do_PUT(self) -> None:
        self.server.calls.append("upload")
        content = self.rfile.read(int(self.headers["Content-Length"] or 0)) or self.chunks()
        self.server.blobs[self.path.rpartition("/")[2]] = content
        self.reply({})

    def chunks(self) -> bytes:
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def do_GET(self) -> None:
        self.server.calls.append(self.path)
        self.reply({"error": "nothing to read here"}, status=404)

    def actions(self, one: dict[str, str]) -> dict[str, object]:
        url = self.server.url
        upload, verify = {"href": f"{url}/blobs/{one['oid']}"}, {"href": f"{url}/verify"}
        return one | {"actions": {"upload": upload, "verify": verify}}

    def commit(self, line: dict[str, dict[str, str]]) -> None:
        hub, value = self.server, line["value"]
        if line["key"] == "file":
            hub.files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            blob = hub.blobs[value["oid"]]
            assert hashlib.sha256(blob).hexdigest() == value["oid"]
            assert value["oid"] in hub.verified
            hub.files[value["path"]] = blob

    def reply(self, value: object, *, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """The tests look at `calls`."""


def upload_mode(file: dict[str, str]) -> dict[str, object]:
    mode = "lfs" if file["path"].endswith(LFS) else "regular"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
