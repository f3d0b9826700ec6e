"""A TCP proxy that can lose answers: the server did what it was asked, and nobody hears of it."""

from __future__ import annotations

import contextlib
import socket
import threading


class CuttingProxy:
    """Forwards to ``port``; :meth:`cut_after_next_request` and :meth:`cut` end connections."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.refusing = self._refuse_next = False
        self._marker = b""
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_when_asked(self, marker: bytes, *, then_refuse: bool = False) -> None:
        """From the next request on that holds ``marker``, its connection hears nothing any more; and
        ``then_refuse`` new ones until ``refusing`` is set back."""
        self._refuse_next = then_refuse
        self._marker = marker

    @property
    def waiting(self) -> bool:
        """Whether that request has not come yet."""
        return bool(self._marker)

    def cut(self) -> None:
        """End every connection, both ways."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            muted = threading.Event()
            with self._lock:
                self._pairs.append((client, server))
            for source, target, asks in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self._pump, args=(source, target, asks, muted), daemon=True
                ).start()

    def _pump(
        self, source: socket.socket, target: socket.socket, asks: bool, muted: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if asks and self._marker and self._marker in data:
                    self.refusing = self._refuse_next
                    self._marker = b""
                    muted.set()
                if asks or not muted.is_set():
                    target.sendall(data)
                elif muted.is_set():
                    break  # the answer is there, so it is done; the connection ends without it
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
