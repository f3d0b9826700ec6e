"""SCRAM credentials, delegation tokens and what brokers know each other by."""

from __future__ import annotations

import msgspec

from anabranch.metastore.credential_values import DelegationToken, ScramCredential
from anabranch.metastore.journal_notes import note
from anabranch.metastore.tx import Tx

_CREDENTIAL = "user_name, mechanism, iterations, salt, verifier, sealed, updated_ms"
_TOKEN = "token_id, owner, requester, renewers, issued_ms, expires_ms, max_ms"
_renewers = msgspec.json.Decoder(tuple[str, ...])


def put_scram_credential(tx: Tx, credential: ScramCredential) -> None:
    one = credential
    tx.execute(
        f"INSERT INTO scram_credential ({_CREDENTIAL}) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (user_name, mechanism) DO UPDATE SET iterations = excluded.iterations, "
        "salt = excluded.salt, verifier = excluded.verifier, sealed = excluded.sealed, "
        "updated_ms = excluded.updated_ms",
        (
            one.user,
            one.mechanism,
            one.iterations,
            one.salt,
            one.verifier,
            int(one.sealed),
            one.updated_ms,
        ),
    )
    note(tx, ("scram_credential", (one.user, one.mechanism)))


def delete_scram_credential(tx: Tx, user: str, mechanism: str) -> bool:
    gone = tx.execute(
        "DELETE FROM scram_credential WHERE user_name = ? AND mechanism = ?", (user, mechanism)
    )
    note(tx, ("scram_credential", (user, mechanism)))
    return gone.rowcount == 1


def scram_credential(tx: Tx, user: str, mechanism: str) -> ScramCredential | None:
    row = tx.execute(
        f"SELECT {_CREDENTIAL} FROM scram_credential WHERE user_name = ? AND mechanism = ?",
        (user, mechanism),
    ).fetchone()
    return None if row is None else _credential(row)


def scram_credentials(tx: Tx, user: str | None) -> list[ScramCredential]:
    where, values = ("", ()) if user is None else ("WHERE user_name = ?", (user,))
    rows = tx.execute(
        f"SELECT {_CREDENTIAL} FROM scram_credential {where} ORDER BY user_name, mechanism", values
    )
    return [_credential(row) for row in rows]


def _credential(row: tuple[str, str, int, bytes, bytes, int, int]) -> ScramCredential:
    user, mechanism, iterations, salt, verifier, sealed, updated_ms = row
    return ScramCredential(
        user, mechanism, iterations, bytes(salt), bytes(verifier), bool(sealed), updated_ms
    )


# -- delegation tokens -----------------------------------------------------------------------------
def put_delegation_token(tx: Tx, token: DelegationToken) -> None:
    renewers = msgspec.json.encode(token.renewers).decode()
    tx.execute(
        f"INSERT INTO delegation_token ({_TOKEN}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            token.token_id,
            token.owner,
            token.requester,
            renewers,
            token.issued_ms,
            token.expires_ms,
            token.max_ms,
        ),
    )
    note(tx, ("delegation_token", (token.token_id,)))


def delegation_token(tx: Tx, token_id: str) -> DelegationToken | None:
    row = tx.execute(
        f"SELECT {_TOKEN} FROM delegation_token WHERE token_id = ?", (token_id,)
    ).fetchone()
    return None if row is None else _token(row)


def delegation_tokens(tx: Tx) -> list[DelegationToken]:
    rows = tx.execute(f"SELECT {_TOKEN} FROM delegation_token ORDER BY issued_ms, token_id")
    return [_token(row) for row in rows]


def set_token_expiry(tx: Tx, token_id: str, expires_ms: int) -> bool:
    changed = tx.execute(
        "UPDATE delegation_token SET expires_ms = ?1 WHERE token_id = ?2 AND max_ms >= ?1",
        (expires_ms, token_id),
    )
    note(tx, ("delegation_token", (token_id,)))
    return changed.rowcount == 1


def delete_delegation_token(tx: Tx, token_id: str) -> bool:
    gone = tx.execute("DELETE FROM delegation_token WHERE token_id = ?", (token_id,))
    note(tx, ("delegation_token", (token_id,)))
    return gone.rowcount == 1


def expire_delegation_tokens(tx: Tx, now_ms: int, limit: int) -> int:
    gone = tx.execute(
        "SELECT token_id FROM delegation_token WHERE expires_ms <= ? ORDER BY token_id LIMIT ?",
        (now_ms, limit),
    ).fetchall()
    for (token_id,) in gone:
        delete_delegation_token(tx, token_id)
    return len(gone)


def _token(row: tuple[str, str, str, str, int, int, int]) -> DelegationToken:
    token_id, owner, requester, renewers, issued_ms, expires_ms, max_ms = row
    return DelegationToken(
        token_id, owner, requester, _renewers.decode(renewers), issued_ms, expires_ms, max_ms
    )


# -- between brokers -------------------------------------------------------------------------------
def inner_secret(tx: Tx, candidate: bytes) -> bytes:
    tx.execute(
        "INSERT INTO inner_secret (one, secret) SELECT 1, ? "
        "WHERE NOT EXISTS (SELECT 1 FROM inner_secret)",
        (candidate,),
    )
    secret: bytes = tx.execute("SELECT secret FROM inner_secret").fetchone()[0]
    return bytes(secret)
