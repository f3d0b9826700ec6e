"""A proxy in front of an S3 server that makes its clients' lives hard, repeatably by a seed.

What it does to a request: "refuse" (503, nothing happened), "lose" (it happened, 503), "drop" (it
happened, the connection is cut), "conflict" (409, nothing happened), "stall" (it happened, the answer
comes after the client gave up).
"""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import urlsplit

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>injected</Message></Error>"
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class FaultyS3:
    """``shares`` are probabilities by fault; ``injected`` counts what was done."""

    def __init__(
        self, endpoint: str, shares: Mapping[str, float], seed: int, *, stall_s: float = 7.0
    ) -> None:
        self.injected: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.calm = False  # True: everything goes through
        self._target = urlsplit(endpoint).netloc
        self._shares = dict(shares)
        self._rng = Random(seed)
        self._lock = threading.Lock()
        self._stall_s = stall_s
        self._over = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def _serve(self) -> None:
                proxy.serve(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _fault(self, method: str) -> str:
        with self._lock:
            self.requests[method] += 1
            dice = self._rng.random()
            if self.calm:
                return ""
            for fault, share in self._shares.items():
                if dice < share:
                    if fault == "conflict" and method != "PUT":
                        return ""
                    self.injected[fault] += 1
                    return fault
                dice -= share
        return ""

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        fault = self._fault(request.command)
        status, headers, answer = 503, [("Content-Type", "application/xml")], SLOW_DOWN
        if fault == "conflict":
            status = 409
        elif fault != "refuse":
            upstream = http.client.HTTPConnection(self._target, timeout=60)
            try:
                # The headers are signed, the Host among them: they go on as they came.
                upstream.putrequest(
                    request.command, request.path, skip_host=True, skip_accept_encoding=True
                )
                for name, value in request.headers.items():
                    upstream.putheader(name, value)
                upstream.endheaders(body)
                got = upstream.getresponse()
                content = got.read()
                if fault not in ("lose", "drop"):
                    status, headers, answer = got.status, got.getheaders(), content
                size = got.getheader("Content-Length")
            finally:
                upstream.close()
        if fault == "stall":
            self._over.wait(self._stall_s)
        if fault in ("drop", "stall"):
            request.close_connection = True
            return
        try:
            request.send_response(status)
            for name, value in headers:
                if name.lower() not in HOP_BY_HOP | {"date", "server"}:
                    request.send_header(name, value)
            head = request.command == "HEAD" and not fault
            request.send_header("Content-Length", size or "0" if head else str(len(answer)))
            request.end_headers()
            if request.command != "HEAD":
                request.wfile.write(answer)
        except OSError:
            request.close_connection = True  # the client went away

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
