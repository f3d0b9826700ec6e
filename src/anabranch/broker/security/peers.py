"""A broker among its peers where the inner listener is secured: it checks their certificate and proves itself.

Over PLAINTEXT nothing is said on the connection that brokers keep to each other (:mod:`anabranch.broker.membership`).
Over TLS the other broker's certificate is checked, and this one's shown; over SASL both prove that they know a secret in
the metastore that only brokers read.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from struct import Struct
from typing import Any, Final

from anabranch.broker.door import Door
from anabranch.broker.security.exchanges import NONCE_BYTES, Peer, peer_password
from anabranch.broker.security.scram import BadMessage, ClientExchange
from anabranch.broker.security.settings import SCRAM_256, PeerSettings, TlsSettings
from anabranch.broker.security.tls import peer_context, reason
from anabranch.errors import MalformedRequest, UserFault
from anabranch.wire.codec import Message
from anabranch.wire.frame import decode_response_header, encode_request_frame
from anabranch.wire.messages.m17_sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse
from anabranch.wire.messages.m36_sasl_authenticate import (
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
)

logger = logging.getLogger(__name__)

GREET_S_MAX: Final = 5.0  # a handshake beside a busy broker's other work
ANSWER_BYTES_MAX: Final = 64 * 1024
SAID_MAX: Final = 1000  # addresses of which it is remembered what was said of them
_LENGTH: Final = Struct(">i")


class Impostor(Exception):
    """Whoever answered there is no broker of this cluster, or does not take us for one."""


class Peers:
    """See the module. ``name`` is this broker's number, as of now."""

    def __init__(
        self,
        door: Door,
        tls: TlsSettings,
        settings: PeerSettings,
        secret: bytes,
        name: Callable[[], str],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._door = door
        self._tls = tls
        self._settings = settings
        self._secret = secret
        self._name = name
        self._random_bytes = random_bytes
        self._said: dict[tuple[str, int], str] = {}

    async def keep_company(self, host: str, port: int) -> None:
        """As :func:`anabranch.broker.membership.keep_company`; what fails is said once for each address."""
        try:
            async with asyncio.timeout(GREET_S_MAX):
                reader, writer = await self._connect(host, port)
        except (OSError, UserFault, Impostor) as error:
            self._say(host, port, error)
            return
        self._said.pop((host, port), None)
        try:
            while await reader.read(1024):
                pass
        except OSError:
            pass
        finally:
            writer.close()

    def _say(self, host: str, port: int, error: Exception) -> None:
        if isinstance(error, ConnectionRefusedError):
            return  # it is dead, and everybody notices
        why = reason(error) if isinstance(error, ssl.SSLError) else str(error) or "no answer"
        if self._said.get((host, port)) == why:
            return
        if len(self._said) >= SAID_MAX:
            self._said.clear()
        self._said[host, port] = why
        logger.error(
            "broker at %s:%d is no company by listener %s, so its death would be noticed late: %s",
            host,
            port,
            self._door.name,
            why,
        )

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError, UserFault or Impostor."""
        context = None
        if self._door.encrypted:
            context = await asyncio.to_thread(
                peer_context,
                self._tls,
                self._settings.ca,
                check_host=self._settings.check_host,
            )
        reader, writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname=host if context is not None else None
        )
        if self._door.sasl:
            try:
                await self._prove(reader, writer)
            except BaseException:
                writer.close()
                raise
        return reader, writer

    async def _prove(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def ask(request: Message, version: int, response: type[Message]) -> Any:
            body: list[Any] = []
            request.encode_into(body, version)
            writer.writelines(
                encode_request_frame(request.API_KEY, version, 0, "anabranch-broker", body)
            )
            try:
                (size,) = _LENGTH.unpack(await reader.readexactly(4))
                if not 0 <= size <= ANSWER_BYTES_MAX:
                    raise Impostor("it does not speak Kafka's protocol")
                frame = await reader.readexactly(size)
                _, position = decode_response_header(frame, 0)
                answer, _ = response.decode(frame, position, version)
            except asyncio.IncompleteReadError:
                raise Impostor("it closed the connection") from None
            except MalformedRequest as fault:
                raise Impostor(fault.message) from None
            error_code = getattr(answer, "error_code", 0)
            if error_code:
                raise Impostor(f"it refuses us (error {error_code})")
            return answer

        await ask(SaslHandshakeRequest(mechanism=Peer.MECHANISM), 1, SaslHandshakeResponse)
        nonce = self._random_bytes(NONCE_BYTES).hex()
        exchange = ClientExchange(SCRAM_256, self._name(), peer_password(self._secret), nonce)
        request = SaslAuthenticateRequest(auth_bytes=exchange.first)
        first = await ask(request, 1, SaslAuthenticateResponse)
        try:
            final = exchange.final(bytes(first.auth_bytes))
        except BadMessage as bad:
            raise Impostor(str(bad)) from None
        answer = await ask(SaslAuthenticateRequest(auth_bytes=final), 1, SaslAuthenticateResponse)
        if not exchange.trusts(bytes(answer.auth_bytes)):
            raise Impostor("it does not know the secret of this cluster")
