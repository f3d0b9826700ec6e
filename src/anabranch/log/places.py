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
from anabranch.metastore.wal_floor import Alone

KIND = "place"
BROKER_SILENT_MS = 30_000  # a broker that beat no longer ago may be writing
TAKES_MAX = (
    10  # looks at a place that others keep writing at the same time; each of them writes once
)


class Place(msgspec.Struct, frozen=True):
    """One of the cluster's places, as its metastore document says."""

    id: UUID  # of the identity that lies in the place
    url: str | None = None  # None: where the data directory has it
    machine: str | None = None  # of the brokers that share a WAL of files


async def known(metastore: Metastore, name: str) -> Place | None:
    """``name`` is "store" or "wal". None until a broker has used one. Raises ``Corrupt``."""
    place, _ = await _look(metastore, name)
    return place


async def _look(metastore: Metastore, name: str) -> tuple[Place | None, bytes | None]:
    """The place, and the document as it is written: what is to be replaced is compared with that."""
    document = await metastore.document(KIND, name)
    if document is None:
        return None, None
    try:
        return msgspec.json.decode(document.body, type=Place), document.body
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


async def admit_wal(
    metastore: Metastore,
    place: Place | None,
    wal_id: bytes,
    machine: str | None,
    url: str,
    broker_id: int,
) -> None:
    """Whether a broker may append to the WAL that it found. ``machine``: of a WAL of files, this one.

    Brokers that share a WAL of files lean on one kernel, so a second machine is refused while the first one's
    brokers may be writing. Another WAL is refused as well while somebody may be writing to the one that is
    known, or something lies only there.

    Raises ``UserFault``.
    """
    if place is None:
        return
    if machine is not None and place.machine not in (None, machine):
        other = await _other_broker(metastore, broker_id)
        if other is not None:
            raise UserFault(
                f"the WAL {url} is one of files, and broker {other} uses it on {place.machine}: brokers "
                "on several machines need a WAL of objects, --wal s3://…"
            )
    if place.id.bytes != wal_id:
        if await metastore.wal_objects():
            check("wal", place, wal_id, url)
        other = await _other_broker(metastore, broker_id)
        if other is not None:
            raise UserFault(
                f"broker {other} uses another WAL than {url}"
                + (f", {place.url}" if place.url else "")
                + ": all brokers of a cluster need the same one. Give it with --wal, or stop the others first"
            )


async def take_wal(metastore: Metastore, mine: Place, url: str, broker_id: int) -> None:
    """Write down the WAL that a broker appends to, once it is registered: every other one that starts sees it then.

    Of two machines that start at once both may have seen nobody before. Whoever is registered when the other
    writes keeps it from that, in one transaction; and whoever comes later finds what was written. Brokers
    that are silent, and may only be paused, cannot commit from then on what they append to the other one.

    Raises ``UserFault``: this broker must not append.
    """
    for _ in range(TAKES_MAX):
        place, body = await _look(metastore, "wal")
        if place == mine:
            return  # perhaps another broker on this WAL was quicker
        await admit_wal(metastore, place, mine.id.bytes, mine.machine, url, broker_id)
        moves = None
        if place is not None and _moves(place, mine):
            moves = Alone(broker_id, BROKER_SILENT_MS, empty=place.id != mine.id)
        taken = await metastore.replace_document(
            KIND,
            "wal",
            msgspec.json.encode(mine),
            await metastore.now_ms(),
            expected=body,
            alone=moves,
        )
        if taken:
            return
    raise UserFault(
        f"other brokers started on other WALs at the same time as on {url}: start again"
    )


def _moves(place: Place, mine: Place) -> bool:
    """Whether what brokers that run append to ``place`` is not to be read where ``mine`` is."""
    return place.id != mine.id or (mine.machine is not None and place.machine != mine.machine)


async def _other_broker(metastore: Metastore, broker_id: int) -> int | None:
    """One that may be writing."""
    now_ms = await metastore.now_ms()
    for row in await metastore.brokers():
        silent_ms = now_ms - max(row.heartbeat_ms, row.started_ms)
        if row.broker_id != broker_id and silent_ms < BROKER_SILENT_MS:
            return row.broker_id
    return None


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
