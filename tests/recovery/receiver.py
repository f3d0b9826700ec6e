"""A receiver of HTTP calls that counts what they did: the outside world of these tests.

``dedupes``: it honours Idempotency-Key. Paths: ``/call`` has an effect; ``/had/KEY`` answers 200 or 404;
``/fail`` answers as ``answers`` says. A call whose body names a process id in ``kill`` has its effect, and
then that process is killed before it has an answer.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    def __init__(self, *, dedupes: bool = False) -> None:
        self.dedupes = dedupes
        self.effects: Counter[str] = Counter()  # by the record that asked for it
        self.keys: set[str] = set()
        self.requests = 0
        self.answers: list[int | None] = []  # for the next calls: a status, or None to hang up
        self.performs_before_failing = False
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"receiver": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def had(self, key: str) -> bool:
        with self.lock:
            return key in self.keys

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_GET(self) -> None:
        self._answer(200 if self.receiver.had(self.path.rpartition("/")[2]) else 404)

    def do_POST(self) -> None:
        receiver = self.receiver
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        with receiver.lock:
            receiver.requests += 1
            scripted = receiver.answers.pop(0) if receiver.answers else 200
            performs = scripted == 200 or receiver.performs_before_failing
            if performs and not (receiver.dedupes and key in receiver.keys):
                receiver.effects[str(body["record"])] += 1
                receiver.keys.add(key)
        if "kill" in body:
            os.kill(body["kill"], signal.SIGKILL)
            return
        if scripted is None:
            self.close_connection = True
            return
        self._answer(scripted)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silence."""
