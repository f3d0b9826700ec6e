"""A SASL connection's way from a stranger to a principal (KIP-12, KIP-43, KIP-152, KIP-368).

    HANDSHAKE ──SaslHandshake──► EXCHANGE ──SaslAuthenticate, once or more──► DONE
        ▲                                                                     │
        └──────── SaslHandshake again, if sessions have an end (KIP-368) ◄────┘

Before DONE only ApiVersions and what belongs to the way is answered; anything else closes the connection.
After a handshake of version 0 the mechanism's messages come as they are, each with its length before it. A session
that has an end is over then: the connection is closed by the next request that is not a re-authentication. A
re-authentication that fails closes the connection; one that succeeds must prove the same principal by the same
mechanism.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

from anabranch.broker.security.authenticators import Authenticators
from anabranch.broker.security.exchanges import Exchange, Peer, Refused
from anabranch.broker.security.principal import Principal, Session
from anabranch.errors import AnabranchError, ErrorCode

API_VERSIONS: Final = 18
SASL_HANDSHAKE: Final = 17
SASL_AUTHENTICATE: Final = 36
_ON_THE_WAY: Final = (API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE)

SASL_BYTES_MAX: Final = 512 * 1024  # of a stranger's request; Kafka's sasl.server.max.receive.size
RAW_BYTES_MAX: Final = 16 * 1024  # of a message without a request around it: tokens have one
STEPS_MAX: Final = 8  # of one exchange; SCRAM takes two
REAUTH_S_MIN: Final = 1.0  # between two authentications of a connection, as in Kafka


class State(Enum):
    """Where on its way a connection is."""

    HANDSHAKE = auto()
    EXCHANGE = auto()
    DONE = auto()


class Result(NamedTuple):
    """The answer to a SaslAuthenticate."""

    message: bytes = b""
    lifetime_ms: int = 0
    error: ErrorCode = ErrorCode.NONE
    sentence: str | None = None
    why: str = ""  # for the log, where it may say more than the client is told

    @property
    def over(self) -> bool:
        """Whether the connection is closed behind the answer."""
        return self.error is not ErrorCode.NONE


class Authentication:
    """See the module. ``session`` is in force from now on; ``monotonic_s`` a clock that only goes forward."""

    __slots__ = (
        "_adopt",
        "_authenticators",
        "_ends_s",
        "_exchange",
        "_mechanism",
        "_mechanisms",
        "_monotonic_s",
        "_proven_s",
        "_steps",
        "raw",
        "session",
        "state",
    )

    def __init__(
        self,
        authenticators: Authenticators,
        mechanisms: Sequence[str],
        session: Session,
        monotonic_s: Callable[[], float],
        adopt: Callable[[Session], None],
    ) -> None:
        self._authenticators = authenticators
        self._mechanisms = mechanisms
        self._monotonic_s = monotonic_s
        self._adopt = adopt
        self._exchange: Exchange | None = None
        self._mechanism = ""
        self._steps = 0
        self._ends_s: float | None = None
        self._proven_s = 0.0
        self.session = session
        self.state = State.HANDSHAKE
        self.raw = False  # the next frames are the mechanism's messages

    @property
    def done(self) -> bool:
        """Whether the client has proven who it is, at least once."""
        return self.session.mechanism is not None

    def refusal(self, key: int) -> str | None:
        """Why a request of API ``key`` closes the connection now, if it does."""
        if self.state is State.DONE:
            ends_s = self._ends_s
            if ends_s is None or self._monotonic_s() < ends_s or key in _ON_THE_WAY:
                return None
            return "its session is over, and it did not prove again who it is"
        if key in _ON_THE_WAY:
            return None
        return f"it asks for api {key} before it has proven who it is"

    def handshake(self, mechanism: str, version: int) -> ErrorCode:
        """A SaslHandshake: which mechanism follows."""
        if self.state is State.EXCHANGE:
            return ErrorCode.ILLEGAL_SASL_STATE
        if self.state is State.DONE and (
            version == 0
            or self._ends_s is None
            or self._monotonic_s() - self._proven_s < REAUTH_S_MIN
        ):
            return ErrorCode.ILLEGAL_SASL_STATE
        if mechanism not in self._mechanisms and mechanism != self._inner:
            self._authenticators.failed(self.session, "?", "", "mechanism not enabled")
            return ErrorCode.UNSUPPORTED_SASL_MECHANISM
        self._mechanism = mechanism
        self._exchange = self._authenticators.exchange(mechanism)
        self._steps = 0
        self.state = State.EXCHANGE
        self.raw = version == 0
        return ErrorCode.NONE

    @property
    def _inner(self) -> str | None:
        """The mechanism of other brokers, where they may come."""
        return Peer.MECHANISM if self.session.listener == self._authenticators.inner else None

    async def authenticate(self, message: bytes) -> Result:
        """A SaslAuthenticate, or a message as it is. A failure is answered late."""
        if self.state is not State.EXCHANGE or self._exchange is None:
            return Result(
                error=ErrorCode.ILLEGAL_SASL_STATE,
                sentence="SaslAuthenticate request received after successful authentication"
                if self.state is State.DONE
                else "SaslAuthenticate request received before SaslHandshake",
            )
        begun_s = self._monotonic_s()
        try:
            return await self._step(message)
        except Refused as refused:
            self._authenticators.failed(self.session, self._mechanism, refused.user, refused.detail)
            sentence = refused.sentence
            why = f"user {refused.user[:64]!r} by {self._mechanism}: {refused.detail}"
        except AnabranchError as fault:
            # The metastore is away, or a secret: the client may try again, and is told nothing more.
            self._authenticators.broke(self.session, self._mechanism, fault)
            sentence = "Authentication failed: it cannot be checked at the moment"
            why = f"{self._mechanism} cannot be checked at the moment"
        delay_s = self._authenticators.sasl.failed_delay_ms / 1000
        # From the beginning on: what was wrong makes no difference to when the answer leaves.
        await asyncio.sleep(max(0.0, begun_s + delay_s - self._monotonic_s()))
        return Result(error=ErrorCode.SASL_AUTHENTICATION_FAILED, sentence=sentence, why=why)

    async def _step(self, message: bytes) -> Result:
        assert self._exchange is not None
        self._steps += 1
        if self._steps > STEPS_MAX:
            raise Refused("Authentication failed: it has no end")
        answer = await self._exchange.step(message)
        proof = answer.proof
        if proof is None:
            return Result(answer.message)
        principal = Principal(proof.principal_type, proof.user)
        before = self.session
        if before.mechanism is not None:
            if before.principal != principal:
                raise Refused(
                    f"Cannot change principals during re-authentication from {before.principal}: "
                    f"{principal}",
                    proof.user,
                )
            if before.mechanism != self._mechanism:
                raise Refused(
                    f"Cannot change the mechanism during re-authentication from {before.mechanism}: "
                    f"{self._mechanism}",
                    proof.user,
                )
        lifetime_ms = self._lifetime_ms(proof.expires_ms)
        self._proven_s = self._monotonic_s()
        self._ends_s = None if lifetime_ms is None else self._proven_s + lifetime_ms / 1000
        self._exchange = None
        self.state = State.DONE
        self.raw = False
        self.session = before._replace(
            principal=principal, mechanism=self._mechanism, token_id=proof.token_id
        )
        self._adopt(self.session)
        self._authenticators.succeeded(self.session)
        return Result(answer.message, lifetime_ms or 0)

    def _lifetime_ms(self, expires_ms: int | None) -> int | None:
        """How long the session is; None: it has no end."""
        ends = []
        if self._authenticators.sasl.reauth_ms_max:
            ends.append(self._authenticators.sasl.reauth_ms_max)
        if expires_ms is not None:
            ends.append(max(0, expires_ms - self._authenticators.now_ms()))
        return min(ends, default=None)

    @property
    def enabled(self) -> list[str]:
        """The mechanisms that clients are told."""
        return list(self._mechanisms)
