"""An engine in a process of its own, which behaves as its prompt says. Standard library alone.

python fake_engine.py PORT
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Engine(BaseHTTPRequestHandler):
    """Counts down to nothing: answers are numbers."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        self.reply({"object": "list", "data": [{"id": "fake/model", "root": "here"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = body.get("prompt") or body["messages"][-1]["content"]
        is_known = body["model"] == "fake/model" and "reward" not in body
        if not is_known or prompt == "refuse":
            error = {"message": "I won't", "type": "BadRequestError", "code": 400, "param": "top_k"}
            return self.reply({"error": error}, 400)
        if prompt in ("500", "503", "429", "401", "404"):
            return self.reply({"detail": "no"}, int(prompt))
        if prompt == "garbage":
            return self.reply("<html>")
        if prompt == "nothing":
            return self.reply({"choices": []})
        if body.get("stream"):
            return self.stream(prompt, body)
        count = 1 if prompt == "ignores n" else body.get("n") or 1
        seed = body.get("seed") or 0
        choices = [
            {"index": n, "text": str(seed + n), "finish_reason": "stop"} for n in range(count)
        ]
        usage = {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1}
        return self.reply(
            {"id": "x", "object": "text_completion", "created": 1, "model": "fake/model"}
            | {"choices": choices, "usage": usage}
        )

    def stream(self, prompt, body):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for number in range(3000 if prompt == "endless" else 3):
            choice = {"index": 0, "text": f"{number} ", "finish_reason": None}
            self.event({"id": "x", "model": "fake/model", "choices": [choice]})
            time.sleep(0.02)
        if prompt == "cut":
            return
        if prompt == "breaks":
            self.event({"error": {"message": "out of memory"}})
            return
        if body["stream_options"]["include_usage"]:
            usage = {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}
            self.event({"id": "x", "model": "fake/model", "choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def event(self, value):
        self.wfile.write(b"data: " + json.dumps(value).encode() + b"\n\n")
        self.wfile.flush()

    def reply(self, value, status=200):
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Engine) as server:
        server.daemon_threads = True
        server.serve_forever()
