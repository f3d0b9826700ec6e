"""How clients prove who they are: the sections of the configuration file that say so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from anabranch.broker.security.secret import Secret

PLAINTEXT: Final = "PLAINTEXT"
SSL: Final = "SSL"
SASL_PLAINTEXT: Final = "SASL_PLAINTEXT"
SASL_SSL: Final = "SASL_SSL"
PROTOCOLS: Final = (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL)

PLAIN: Final = "PLAIN"
SCRAM_256: Final = "SCRAM-SHA-256"
SCRAM_512: Final = "SCRAM-SHA-512"
OAUTHBEARER: Final = "OAUTHBEARER"
MECHANISMS: Final = (PLAIN, SCRAM_256, SCRAM_512, OAUTHBEARER)

CLIENT_AUTH: Final = ("none", "requested", "required")
TLS_VERSIONS: Final = ("TLSv1.2", "TLSv1.3")

SECOND_MS: Final = 1000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS


class TlsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Certificates in PEM files, which are read anew when they change."""

    certificate: Path | None = None  # the broker's own, with the chain behind it
    key: Path | None = None  # None: in the same file
    key_password: Secret | None = None
    ca: Path | None = None  # whose certificates clients (and other brokers) may show
    client_auth: str = "none"  # Kafka's ssl.client.auth: none, requested or required
    principal_rules: str = "DEFAULT"  # Kafka's ssl.principal.mapping.rules
    version_min: str = "TLSv1.2"
    ciphers: str | None = None  # of TLS 1.2, as OpenSSL writes them; None: the system's
    reload_ms: int = 5 * SECOND_MS  # how often files are looked at


class SaslSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What all SASL listeners share."""

    mechanisms: tuple[str, ...] = (SCRAM_256, SCRAM_512)  # Kafka's sasl.enabled.mechanisms
    plain_users: Mapping[str, Secret] = field(default_factory=dict)  # beside those in the metastore
    reauth_ms_max: int = 0  # Kafka's connections.max.reauth.ms; 0: a session has no end
    failed_delay_ms: int = 100  # Kafka's connection.failed.authentication.delay.ms
    credentials_key: Secret | None = None  # encrypts users' verifiers in metastore and journal


class OauthSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which tokens (JWT) OAUTHBEARER takes."""

    jwks: str | None = None  # https://… or a file: the issuer's public keys (RFC 7517)
    issuer: str | None = None  # None: anybody whose key is in there
    audience: tuple[str, ...] = ()  # one of them has to be the token's; empty: any
    scopes: tuple[str, ...] = ()  # all of which a token must have
    algorithms: tuple[str, ...] = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
    principal_claim: str = "sub"
    scope_claim: str = "scope"
    clock_skew_ms: int = 30 * SECOND_MS
    refresh_ms: int = HOUR_MS  # Kafka's sasl.oauthbearer.jwks.endpoint.refresh.ms


class TokenSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Delegation tokens (KIP-48)."""

    secret: Secret | None = None  # Kafka's delegation.token.secret.key; None: there are no tokens
    lifetime_ms_max: int = 7 * DAY_MS  # Kafka's delegation.token.max.lifetime.ms
    expiry_ms: int = DAY_MS  # Kafka's delegation.token.expiry.time.ms
    check_interval_ms: int = HOUR_MS  # Kafka's delegation.token.expiry.check.interval.ms


class PeerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How brokers meet each other on their inner listener."""

    ca: Path | None = None  # whose certificates other brokers show; None: tls.ca
    check_host: bool = True  # whether those must be for the address
