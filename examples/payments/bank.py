"""The receiver: a bank that does what it is told, as often as it is told. Nothing in it protects anybody.

``POST /transfers`` moves money; now and then the connection is lost after the money has moved, so that the sender
cannot know. ``GET /transfers/ID`` tells how often a payment was made, which is all that a check needs.

    python -m examples.payments.bank --port 0 --book bank.jsonl
"""

from __future__ import annotations

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOST_EVERY = 101  # every so manieth transfer is made and not answered


class Bank:
    """What was transferred, also in a file, so that the story can count."""

    def __init__(self, book: Path) -> None:
        self._lock = threading.Lock()
        self._book = book.open("a", encoding="utf-8")
        self.made: dict[str, int] = {}
        self.calls = 0

    def transfer(self, payment: dict[str, Any]) -> bool:
        """Move the money; False: and lose the answer."""
        with self._lock:
            self.calls += 1
            self.made[payment["id"]] = self.made.get(payment["id"], 0) + 1
            self._book.write(json.dumps(payment) + "\n")
            self._book.flush()
            return self.calls % LOST_EVERY != 0


class Handler(BaseHTTPRequestHandler):
    bank: Bank
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.bank.transfer(json.loads(body)):
            self._answer({"status": "made"})
        else:
            self.close_connection = True

    def do_GET(self) -> None:
        self._answer({"made": self.bank.made.get(self.path.rpartition("/")[2], 0)})

    def _answer(self, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Its book is log enough."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--book", type=Path, required=True)
    arguments = parser.parse_args()
    Handler.bank = Bank(arguments.book)
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
