"""Whether listeners and what secures them make sense together; each refusal is one sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from anabranch.broker.security.settings import (
    CLIENT_AUTH,
    MECHANISMS,
    OAUTHBEARER,
    PROTOCOLS,
    TLS_VERSIONS,
    TlsSettings,
)
from anabranch.broker.security.subjects import parse_rules
from anabranch.errors import UserFault

if TYPE_CHECKING:
    from anabranch.broker.config import BrokerSettings, ListenerSettings

PORT_MAX: Final = 65535
LISTENERS_MAX: Final = 16  # of one broker: each is a socket, and a word in every broker's row
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_EVERYWHERE: Final = ("", "0.0.0.0", "::")
_LOCAL: Final = (("http", "localhost"), ("http", "127.0.0.1"), ("http", "::1"))
_SYMMETRIC: Final = re.compile(r"(?i)none|hs\d+")


def check(settings: BrokerSettings, where: str) -> None:
    """Raises UserFault."""
    listeners = settings.all_listeners
    if len(listeners) > LISTENERS_MAX:
        raise UserFault(f"{where}{len(listeners)} listeners; {LISTENERS_MAX} are allowed")
    names = [one.known_as for one in listeners]
    for name in names:
        if names.count(name) > 1:
            raise UserFault(
                f"{where}two listeners are called {name}: give them names, as in "
                f"--listen OUTER={name}://HOST:PORT"
            )
    if settings.inner_listener is not None and settings.inner_listener not in names:
        raise UserFault(
            f"{where}inner_listener is {settings.inner_listener}; listeners are {', '.join(names)}"
        )
    for one in listeners:
        _check_listener(settings, one, where)
    _check_rest(settings, where)


def _check_listener(settings: BrokerSettings, one: ListenerSettings, where: str) -> None:
    name = one.known_as
    if not _NAME.fullmatch(name):
        raise UserFault(f"{where}a listener cannot be called {name!r}: use letters and digits")
    if one.protocol not in PROTOCOLS:
        raise UserFault(
            f"{where}listener {name}: protocol is {one.protocol}; it must be one of "
            f"{', '.join(PROTOCOLS)}"
        )
    for what, port in (("port", one.port), ("advertised_port", one.advertised_port or 0)):
        if not 0 <= port <= PORT_MAX:
            raise UserFault(
                f"{where}listener.{what} is {port}; it must be between 0 and {PORT_MAX}"
            )
    if one.host in _EVERYWHERE and not one.advertised_host:
        raise UserFault(
            f"{where}clients cannot connect to {one.host or 'the empty address'}: say what they "
            "are to be told with --advertise HOST:PORT"
        )
    if one.connections_max < 1:
        raise UserFault(f"{where}listener {name}: connections_max must be at least 1")
    if one.protocol.endswith("SSL"):
        _check_tls(one.tls or settings.tls, f"{where}listener {name}: ")
    if one.protocol.startswith("SASL"):
        mechanisms = one.mechanisms or settings.sasl.mechanisms
        if not mechanisms:
            raise UserFault(f"{where}listener {name}: no mechanism of SASL is enabled")
        for mechanism in mechanisms:
            if mechanism not in MECHANISMS:
                raise UserFault(
                    f"{where}listener {name}: mechanism {mechanism} is not one of "
                    f"{', '.join(MECHANISMS)}"
                )
        if OAUTHBEARER in mechanisms and settings.oauth.jwks is None:
            raise UserFault(
                f"{where}listener {name}: OAUTHBEARER needs the issuer's keys: set oauth.jwks to a "
                "file or an https:// address"
            )


def _check_tls(tls: TlsSettings, where: str) -> None:
    if tls.certificate is None:
        raise UserFault(f"{where}it needs a certificate: set tls.certificate to a PEM file")
    if tls.client_auth not in CLIENT_AUTH:
        raise UserFault(
            f"{where}tls.client_auth is {tls.client_auth}; it must be one of {', '.join(CLIENT_AUTH)}"
        )
    if tls.client_auth != "none" and tls.ca is None:
        raise UserFault(f"{where}client certificates need tls.ca: whose of them are accepted")
    if tls.version_min not in TLS_VERSIONS:
        raise UserFault(
            f"{where}tls.version_min is {tls.version_min}; it must be one of "
            f"{', '.join(TLS_VERSIONS)}"
        )
    parse_rules(tls.principal_rules)
    if tls.reload_ms < 1:
        raise UserFault(f"{where}tls.reload_ms must be at least 1")


def _check_rest(settings: BrokerSettings, where: str) -> None:
    oauth, tokens = settings.oauth, settings.tokens
    for algorithm in oauth.algorithms:
        if _SYMMETRIC.fullmatch(algorithm):
            raise UserFault(
                f"{where}oauth.algorithms has {algorithm}: only signatures by a private key count"
            )
    if oauth.jwks is not None and not oauth.algorithms:
        raise UserFault(f"{where}oauth.algorithms is empty: no token would be accepted")
    if oauth.jwks is not None and "://" in oauth.jwks:
        parts = urlsplit(oauth.jwks)
        if parts.scheme != "https" and (parts.scheme, parts.hostname) not in _LOCAL:
            raise UserFault(
                f"{where}oauth.jwks must be a file or an https:// address: who can change it on its "
                "way can forge tokens"
            )
    for name, value in (
        ("sasl.reauth_ms_max", settings.sasl.reauth_ms_max),
        ("sasl.failed_delay_ms", settings.sasl.failed_delay_ms),
        ("oauth.clock_skew_ms", oauth.clock_skew_ms),
        ("oauth.refresh_ms", oauth.refresh_ms - 1),
        ("tokens.lifetime_ms_max", tokens.lifetime_ms_max - 1),
        ("tokens.expiry_ms", tokens.expiry_ms - 1),
        ("tokens.check_interval_ms", tokens.check_interval_ms - 1),
    ):
        if value < 0:
            raise UserFault(f"{where}{name} is too small")
