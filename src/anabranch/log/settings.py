"""Every limit of the log, by name, with its unit and the reason for its value."""

from __future__ import annotations

from msgspec import Struct

KIB = 1024
MIB = 1024 * KIB
SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of the log (I10). Sizes in bytes, times in milliseconds."""

    flush_bytes_max: int = 8 * MIB  # one fdatasync stays short
    flush_partitions_max: int = 4096  # each is a row of the commit: it stays within some ten ms
    queued_bytes_max: int = 64 * MIB  # past it, connections are not read
    tail_bytes_max: int = 96 * MIB  # the broker stays under 512 MiB with it full
    wal_file_bytes: int = 64 * MIB
    wal_bytes_max: int = 2 * 1024 * MIB  # past it, the oldest backlog merges before its time
    merge_age_ms: int = MINUTE_MS  # an event is in its segment within about a minute
    segment_bytes: int = 128 * MIB  # few objects per partition, still one comfortable PUT
    pack_share_bytes_max: int = 4 * MIB  # a run this large is worth an object of its own
    pack_bytes_max: int = 64 * MIB  # of an object that many partitions share
    pack_shares_max: int = 4096  # its index stays within some hundred kilobytes
    consolidate_fan_in: int = 8  # small neighbours merge eight at a time: log8 rewrites per byte
    compaction_interval_ms: int = 15 * SECOND_MS  # between looks for what is due
    compaction_map_bytes: int = 64 * MIB  # newest offset by key: 786,432 keys in one pass
    cold_threads: int = 4  # reads of old data can never occupy more of the machine than this
    cold_cache_bytes: int = 32 * MIB  # blocks of old data for readers that stand close together
    cold_read_bytes: int = 4 * MIB  # one cold answer, whatever the client asks for
    cold_read_ahead_bytes: int = 4 * MIB  # of a sequential reader: hides an object store's latency
    cold_bytes_max: int = 96 * MIB  # read and not yet taken by clients; past it, cold reads wait
    cold_bytes_per_second: int = 0  # below the tail, of all readers together; 0: no limit
    cold_late_percent_max: int = (
        130  # of what live appends usually take: then catch-up slows; 0: never
    )
    cold_bytes_per_second_min: int = 8 * MIB  # however late: who catches up arrives
    cold_bytes_per_second_begin: int = 16 * MIB  # beside appends, until more is known
    cold_answer_ms_max: int = 500  # partitions that take longer come with the next answer
    recent_threads: int = 2  # reads of what has left the tail and still lies in the WAL
    recent_cache_bytes: int = 16 * MIB  # placed extents, which every reader behind the tail wants
    extents_per_read: int = 64  # one cold answer looks at no more extents
    object_grace_ms: int = 24 * HOUR_MS  # the undo button: hours, not minutes (I3)
    topic_grace_ms: int = 24 * HOUR_MS  # a deleted topic can be brought back: an incident's length
    wal_grace_ms: int = 10 * SECOND_MS  # readers notice recycling by themselves
    wal_orphan_grace_ms: int = 10 * MINUTE_MS  # a flush whose commit takes so long is refused
    wal_search_interval_ms: int = MINUTE_MS  # one listing of the object WAL
    wal_cache_bytes: int = 64 * MIB  # WAL objects: up to 1 MB/s is merged without reading it back
    wal_linger_ms: int = 200  # object WAL only: at most 5 PUTs a second while little is produced
    wal_flush_bytes: int = 4 * MIB  # object WAL only: so many bytes do not wait for the linger
    wal_flushes_in_flight_max: int = 8  # object WAL only: 4 MiB each 100 ms ahead: some 320 MB/s
    wal_write_ms_max: int = 20 * SECOND_MS  # object WAL only: then a flush is given up
    trial_refused_percent: int = 0  # of requests to the store, by a drill's broker on its own store
    trial_latency_ms: int = 0  # so much later is each of its answers
    trial_seed: int = 1
    background_interval_ms: int = 5 * SECOND_MS
    retention_interval_ms: int = 30 * SECOND_MS
    collect_batch: int = 256  # objects per pass
    lease_ms: int = 30 * SECOND_MS
    producer_expiration_ms: int = 24 * HOUR_MS  # producer.id.expiration.ms
    transaction_timeout_ms_max: int = 15 * MINUTE_MS  # transaction.max.timeout.ms
    transaction_abort_interval_ms: int = 10 * SECOND_MS  # between looks for those that are overdue
    transactional_id_expiration_ms: int = 7 * 24 * HOUR_MS  # transactional.id.expiration.ms
    offset_history_ms: int = 30 * 24 * HOUR_MS
    journal: bool = (
        True  # ship the metastore's changes to the store; only off where they are not missed
    )
    journal_interval_ms: int = SECOND_MS  # what may be missing after the loss of the metastore
    journal_rows_max: int = 50_000  # one entry stays within some megabytes; more becomes a snapshot
    journal_chunk_rows: int = (
        5_000  # of a snapshot, read from the metastore at a time: some milliseconds
    )
    journal_snapshot_ms: int = HOUR_MS  # a rebuild applies at most that much of entries
    journal_snapshot_bytes: int = 64 * MIB  # or this much
    journal_grace_ms: int = HOUR_MS  # what a newer snapshot replaced is kept that long
    journal_fence_ms: int = (
        5 * SECOND_MS
    )  # how soon a broker notices that its metastore was replaced
    journal_lease_ms: int = 10 * SECOND_MS  # after a crash, another broker ships within it
    background: bool = True
