"""Whose bytes are these? The identity objects of a store and of an object-store WAL.

The first process to open an empty place claims it for its cluster with a creation that only one can
win; everybody later compares. The metastore remembers the id, so a place that was emptied and claimed
anew is noticed as well.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from anabranch.errors import Corrupt, UserFault
from anabranch.storage.store import AlreadyExists, NotFound, Store

FORMAT_VERSION = 1
STORE_IDENTITY_KEY = "identity.json"
WAL_IDENTITY_KEY = "wal/identity.json"  # so that one URL can be both store and WAL


class Identity(msgspec.Struct, frozen=True):
    """Contents of an identity object."""

    format: int
    cluster_id: UUID
    id: UUID  # of the store or WAL itself: new whenever a place is claimed


def read_identity(store: Store, key: str) -> Identity | None:
    """What the object says; None if nobody claimed the place. Raises ``Corrupt``, ``StoreFault``."""
    try:
        text = store.get(key)
    except NotFound:
        return None
    try:
        return msgspec.json.decode(text, type=Identity)
    except msgspec.MsgspecError as error:
        raise Corrupt(
            f"{key} in {store.url} is damaged ({error}): restore it from a backup"
        ) from None


def require_identity(store: Store, key: str, cluster_id: bytes | None, what: str) -> Identity:
    """The identity of a place that is in use; ``cluster_id`` (16 bytes) refuses another cluster's.

    ``what`` is "store" or "WAL". Raises ``UserFault`` where nobody claimed it, another cluster did, or
    a newer release.
    """
    identity = read_identity(store, key)
    if identity is None:
        raise UserFault(f"{store.url} is not the {what} of a cluster: it has no {key}")
    if identity.format != FORMAT_VERSION:
        raise UserFault(
            f"the {what} {store.url} has format {identity.format}; this release reads "
            f"{FORMAT_VERSION}: use the release that wrote it"
        )
    if cluster_id is not None and identity.cluster_id.bytes != cluster_id:
        raise UserFault(
            f"the {what} {store.url} belongs to cluster {identity.cluster_id}, this is cluster "
            f"{UUID(bytes=cluster_id)}: give each cluster a {what} of its own"
        )
    return identity


def replace_identity(store: Store, key: str, cluster_id: bytes, new_id: bytes) -> None:
    """Give a place another id: whoever used it under the old one is refused at its next look (a rebuild
    fences the metastore that it replaces). Idempotent; durable on return."""
    claim = Identity(FORMAT_VERSION, UUID(bytes=cluster_id), UUID(bytes=new_id))
    store.put(key, msgspec.json.format(msgspec.json.encode(claim)) + b"\n", create=False)


def claim_identity(store: Store, key: str, cluster_id: bytes, new_id: bytes, what: str) -> Identity:
    """``require_identity``, claiming the place for the cluster first if nobody has."""
    if read_identity(store, key) is None:
        claim = Identity(FORMAT_VERSION, UUID(bytes=cluster_id), UUID(bytes=new_id))
        try:
            store.put(key, msgspec.json.format(msgspec.json.encode(claim)) + b"\n")
        except AlreadyExists:
            pass  # somebody was quicker; who it was is read below
    return require_identity(store, key, cluster_id, what)
