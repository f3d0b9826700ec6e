"""TLS contexts from PEM files, made anew when the files change."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

from anabranch.broker.security.settings import TlsSettings
from anabranch.broker.security.subjects import parse_rules
from anabranch.errors import UserFault

logger = logging.getLogger(__name__)

_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH: Final = {
    "none": ssl.CERT_NONE,
    "requested": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}

Stamp = tuple[object, ...]


def server_context(tls: TlsSettings) -> ssl.SSLContext:
    """For a listener. Raises UserFault with the file that is wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.version_min]
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.verify_mode = _CLIENT_AUTH[tls.client_auth]
    if tls.ciphers is not None:
        try:
            context.set_ciphers(tls.ciphers)
        except ssl.SSLError:
            raise UserFault(f"tls.ciphers: “{tls.ciphers}” names no cipher") from None
    _load_certificate(context, tls)
    if tls.ca is not None:
        _load_ca(context, tls.ca)
    return context


def peer_context(tls: TlsSettings, ca: Path | None, *, check_host: bool) -> ssl.SSLContext:
    """For a broker that connects to another: it shows its own certificate. Raises UserFault."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[tls.version_min]
    context.check_hostname = check_host
    trusted = ca or tls.ca
    if trusted is not None:
        _load_ca(context, trusted)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    _load_certificate(context, tls)
    return context


def _load_certificate(context: ssl.SSLContext, tls: TlsSettings) -> None:
    assert tls.certificate is not None
    key = tls.key or tls.certificate
    for path in (tls.certificate, key):
        _readable(path)
    password = tls.key_password.reveal() if tls.key_password is not None else None

    def tell() -> str:
        # OpenSSL would ask on the terminal otherwise, and a broker would wait there.
        if password is None:
            raise UserFault(f"the key in {key} is encrypted: set tls.key_password")
        return password

    try:
        context.load_cert_chain(tls.certificate, tls.key, tell)
    except ssl.SSLError as error:
        raise UserFault(
            f"{tls.certificate} and {key} are no certificate with its key in PEM: {reason(error)}"
        ) from None


def _load_ca(context: ssl.SSLContext, ca: Path) -> None:
    _readable(ca)
    try:
        context.load_verify_locations(ca)
    except ssl.SSLError as error:
        raise UserFault(f"{ca} holds no certificates in PEM: {reason(error)}") from None


def _readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise UserFault(f"cannot read {path}: {error.strerror}") from None


def reason(error: ssl.SSLError) -> str:
    """OpenSSL's reason in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted ({error.verify_message})"
    text = error.reason or (error.args[-1] if error.args else "") or "unknown"
    return str(text).replace("_", " ").lower()


class TlsKeeper:
    """The context of a listener, and whose certificates stand for whom."""

    def __init__(self, name: str, tls: TlsSettings) -> None:
        """Raises UserFault."""
        self._name = name
        self._tls = tls
        self.rules = parse_rules(tls.principal_rules)
        self._stamp = self._look()
        self.context = server_context(tls)
        self._tried = self._stamp

    def _look(self) -> Stamp:
        tls = self._tls
        stamp: list[object] = []
        for path in (tls.certificate, tls.key, tls.ca):
            if path is None:
                continue
            try:
                found = path.stat()
                stamp.append((found.st_mtime_ns, found.st_ino, found.st_size))
            except OSError as error:
                stamp.append(error.errno)
        return tuple(stamp)

    def renew(self) -> bool:
        """Take up files that changed: for connections that are made from now on. From any thread.

        What cannot be used (half of a pair may be there already) is said once and looked at again.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return False
        try:
            context = server_context(self._tls)
        except UserFault as fault:
            if stamp != self._tried:
                logger.error("listener %s keeps its certificate: %s", self._name, fault)
            self._tried = stamp
            return False
        self._stamp = self._tried = stamp
        self.context = context
        logger.warning("listener %s has another certificate", self._name)
        return True


Renew = Callable[[], bool]
