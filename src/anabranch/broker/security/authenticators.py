"""What all SASL connections of a broker share: users, tokens, keys of issuers, threads that hash."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor

from anabranch.broker.audit.events import AuditSink, Outcome, authentication
from anabranch.broker.security.exchanges import Exchange, Peer, Plain, Scram
from anabranch.broker.security.oauth import Oauth, Verifier
from anabranch.broker.security.principal import Principal, Session
from anabranch.broker.security.settings import SaslSettings
from anabranch.broker.security.tokens import Tokens
from anabranch.broker.security.users import Users
from anabranch.errors import AnabranchError

logger = logging.getLogger(__name__)


class Authenticators:
    """See the module. Raises UserFault if a secret that it needs is not there.

    ``counts`` are authentications by (listener, mechanism, outcome); both names are ours, not a client's.
    """

    def __init__(
        self,
        users: Users,
        tokens: Tokens,
        sasl: SaslSettings,
        verifier: Verifier | None,
        secret: bytes,
        inner: str,
        now_ms: Callable[[], int],
        audit: Callable[[], AuditSink],
        random_bytes: Callable[[int], bytes],
        threads: Executor,
    ) -> None:
        self.sasl = sasl
        self.now_ms = now_ms
        self.inner = inner  # the listener by which other brokers may come
        self.users = users
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self._tokens = tokens
        self._secret = secret
        self._verifier = verifier
        self._audit = audit
        self._random_bytes = random_bytes
        self._threads = threads
        for password in sasl.plain_users.values():
            password.reveal()  # refuses to start rather than to authenticate

    def exchange(self, mechanism: str) -> Exchange:
        """A new one, of a mechanism that is enabled."""
        match mechanism:
            case "PLAIN":
                return Plain(self.sasl.plain_users, self.users.keys, self._secret, self._threads)
            case "SCRAM-SHA-256" | "SCRAM-SHA-512":
                return Scram(
                    mechanism,
                    self.users.keys,
                    self._tokens.keys,
                    self._secret,
                    self._threads,
                    self._random_bytes,
                )
            case "OAUTHBEARER":
                assert self._verifier is not None
                return Oauth(self._verifier)
            case Peer.MECHANISM:
                return Peer(self._secret, self._random_bytes)
        raise AssertionError(f"{mechanism} is enabled, and nobody knows it")

    def succeeded(self, session: Session) -> None:
        """Count it, and tell the audit."""
        self.counts[session.listener, session.mechanism or "", "ok"] += 1
        self._audit().record(authentication(session, Outcome.OK))

    def failed(self, session: Session, mechanism: str, user: str, detail: str) -> None:
        """The same; ``user`` is who the client said to be."""
        self.counts[session.listener, mechanism, "failed"] += 1
        said = session._replace(mechanism=mechanism, principal=Principal("User", user or "?"))
        self._audit().record(authentication(said, Outcome.FAILED, reason=detail))

    def broke(self, session: Session, mechanism: str, fault: AnabranchError) -> None:
        """It could not be told whether the client is who it says."""
        self.counts[session.listener, mechanism, "error"] += 1
        logger.error("a client of %s could not be authenticated: %s", session.listener, fault)
