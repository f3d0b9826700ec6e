"""Who asks: a principal, and the session in which a connection proved to be it."""

from __future__ import annotations

from typing import Final, NamedTuple

from anabranch.errors import UserFault

USER_TYPE: Final = "User"  # the only type that Kafka's own authenticators give out
NAME_MAX: Final = 512  # characters; X.500 names of certificates are the longest that occur


class Principal(NamedTuple):
    """A type and a name, as in ``User:alice`` (KIP-11)."""

    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.type}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Principal:
        """``User:alice``; the name may hold colons. Raises UserFault."""
        kind, colon, name = text.partition(":")
        if not (kind and colon and name):
            raise UserFault(f"“{text}” is not a principal: write TYPE:NAME, as in User:alice")
        return cls(kind, name)


ANONYMOUS: Final = Principal(USER_TYPE, "ANONYMOUS")  # where no authentication is asked for


class Session(NamedTuple):
    """What is known of a connection's client. A re-authentication replaces it as a whole (KIP-368)."""

    principal: Principal = ANONYMOUS
    host: str = ""  # the client's address, as Kafka shows it without the port
    listener: str = "PLAINTEXT"  # the name of the listener that it came by
    protocol: str = "PLAINTEXT"  # PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL
    mechanism: str | None = None  # of SASL, as SCRAM-SHA-256; None: by certificate, or not at all
    token_id: str | None = None  # of the delegation token that it authenticated with (KIP-48)
    port: int = 0  # the client's, at its end of the connection
    software: tuple[str, str] = ("", "")  # the client library's name and version (KIP-511)
