"""The start-up probe: does this store keep the one promise that correctness rests on?

Of five S3 servers that were tried, two answered a conditional creation of an existing key with success
and replaced the object. On such a store two brokers could both believe that they won. So every start
creates a key of its own twice, with different content, and refuses to run unless the second attempt
fails and the first content is still there.
"""

from __future__ import annotations

from anabranch.errors import StoreFault, UserFault
from anabranch.storage.store import AlreadyExists, Store

PROBE_PREFIX = "probe/"


def probe_create(store: Store, nonce: str) -> None:
    """Check that ``store`` creates honestly; ``nonce`` must be new (a UUID's hex, say).

    Raises ``UserFault`` if it does not, ``StoreFault`` if the store cannot be used at all.
    """
    key = f"{PROBE_PREFIX}{nonce}"
    first, second = f"first {nonce}".encode(), f"second {nonce}".encode()
    try:
        store.put(key, first)
    except AlreadyExists:
        raise UserFault(
            f"the store {store.url} says that the new key {key} exists already: "
            "something else answers in its place; check the URL"
        ) from None
    try:
        try:
            store.put(key, second)
        except AlreadyExists:
            refused = True
        else:
            refused = False
        found = store.get(key)
    finally:
        try:
            store.delete(key)
        except StoreFault:
            pass  # a leftover of a few bytes; what the probe found out matters more
    if not refused or found != first:
        raise UserFault(
            f"the store {store.url} does not support conditional creation (If-None-Match: *): it "
            "accepted a second creation of one key, so two brokers could overwrite each other's "
            "data. Use a store that does, such as AWS S3, MinIO, Ceph or a file:/// directory"
        )
