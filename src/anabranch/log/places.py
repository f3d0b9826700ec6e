"""What the metastore knows of the cluster's store and WAL: which ones they are, and where.

Both carry an identity of their own, and the first broker to use them writes it down. From then on another
place is refused, even if it belongs to the same cluster: an empty directory under the old name, a bucket
restored from last week, the disk of another machine. Otherwise a broker would acknowledge appends into a
place that nobody else reads, or look for retained data where it never was.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from anabranch.errors import ClientFault, Corrupt, ErrorCode, UserFault
from anabranch.metastore.api import Metastore

KIND = "place"


class Place(msgspec.Struct, frozen=True):
    """One of the cluster's places, as its metastore document says."""

    id: UUID  # of the identity that lies in the place
    url: str | None = None  # None: where the data directory has it
    machine: str | None = None  # of the brokers that share a WAL of files


async def known(metastore: Metastore, name: str) -> Place | None:
    """``name`` is "store" or "wal". None until a broker has used one. Raises ``Corrupt``."""
    document = await metastore.document(KIND, name)
    if document is None:
        return None
    try:
        return msgspec.json.decode(document.body, type=Place)
    except msgspec.MsgspecError as error:
        raise Corrupt(f"the metastore's note of the {name} is damaged: {error}") from None


def check(name: str, place: Place, found_id: bytes, url: str) -> None:
    """Whether what lies at ``url`` is the cluster's ``name``. Raises ``UserFault``."""
    if place.id.bytes == found_id:
        return
    raise UserFault(
        f"{url} is not the {_TITLES[name]} that this cluster uses (it is {UUID(bytes=found_id)}, the "
        f"cluster's is {place.id}"
        + (f" at {place.url}" if place.url else "")
        + f"): a {_TITLES[name]} that was emptied, replaced or restored, or that is not shared by the "
        "machines that need it. Point to the right one"
    )


async def settle(
    metastore: Metastore, name: str, place: Place, *, replaces: UUID | None, now_ms: int
) -> None:
    """A broker writes down what it uses. ``replaces``: the id that it found written down before.

    Raises ``UserFault`` if another broker wrote down another place meanwhile.
    """
    body = msgspec.json.encode(place)
    if replaces is None:
        try:
            await metastore.put_document(KIND, name, body, now_ms, create=True)
        except ClientFault as fault:
            if fault.code is not ErrorCode.DUPLICATE_RESOURCE:
                raise
            present = await known(metastore, name)
            if present is not None:
                check(name, present, place.id.bytes, place.url or f"this broker's {_TITLES[name]}")
        return
    await metastore.put_document(KIND, name, body, now_ms)


_TITLES = {"store": "store", "wal": "WAL"}
