"""The world outside of a drill: a receiver of HTTP requests on this machine that writes down what reached it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from anabranch.recovery.sinks.http import HAD_PATH, KEY_HEADER

HOST: Final = "127.0.0.1"
BUSY_S: Final = 30.0  # requests take turns
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS effects"
    " (key TEXT PRIMARY KEY, method TEXT, path TEXT, body TEXT, times INTEGER)"
)


class Receiver:
    """Answers 200 to everything. ``path``: its database, opened anew for each request, so that it may be replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        handler = type("Handler", (_Handler,), {"receiver": self})
        self._server = ThreadingHTTPServer((HOST, 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="drill receiver", daemon=True
        )
        self._thread.start()

    def times(self) -> dict[str, int]:
        """How often each effect was asked for, by key."""
        with closing(self.connect()) as connection:
            return dict(connection.execute("SELECT key, times FROM effects"))

    def connect(self) -> sqlite3.Connection:
        """Its database, with its table."""
        connection = sqlite3.connect(self.path, timeout=BUSY_S)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(_TABLE)
        return connection

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_GET(self) -> None:
        if self.path.startswith(HAD_PATH):
            had = self.path.removeprefix(HAD_PATH) in self.receiver.times()
            self._answer(200 if had else 404)
            return
        self._take()

    def do_POST(self) -> None:
        self._take()

    do_PUT = do_PATCH = do_DELETE = do_POST

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = self.headers.get(KEY_HEADER) or f"without a key: {self.path}"
        with closing(self.receiver.connect()) as connection, connection:
            connection.execute(
                "INSERT INTO effects VALUES (?, ?, ?, ?, 1)"
                " ON CONFLICT (key) DO UPDATE SET times = times + 1",
                (key, self.command, self.path, body.decode(errors="replace")),
            )
        self._answer(200)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: what reached it is in its database."""
