-- The first schema. docs/formats-metastore.md explains every table with its invariants.

CREATE TABLE cluster (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    cluster_id BLOB NOT NULL CHECK (length(cluster_id) = 16),
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES
    ('broker_epoch', 0), ('catalogue_version', 0), ('history_seq', 0), ('producer_id', 0);

CREATE TABLE broker (
    broker_id INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL UNIQUE,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    started_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- state: 0 live, 1 deleted and being purged, 2 purged (only history still names it).
CREATE TABLE topic (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    name TEXT NOT NULL,
    partitions INTEGER NOT NULL CHECK (partitions > 0),
    configs TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    origin TEXT,
    state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
    deleted_ms INTEGER CHECK ((state = 0) = (deleted_ms IS NULL))
) STRICT;
CREATE UNIQUE INDEX topic_name ON topic (name) WHERE state = 0;
CREATE INDEX topic_deleted ON topic (state, deleted_ms) WHERE state > 0;

-- The sums over a partition's extents are kept here because each append rewrites this row anyway.
-- merged_end: no extent below it lies in the WAL.
-- wal_since_ms: append time of the oldest extent in the WAL (meaningless while wal_extents = 0).
-- appended_mark, timestamp_mark: the highest ever given in this partition.
CREATE TABLE partition (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL CHECK (partition >= 0),
    next_offset INTEGER NOT NULL DEFAULT 0,
    log_start INTEGER NOT NULL DEFAULT 0,
    merged_end INTEGER NOT NULL DEFAULT 0,
    leader_epoch INTEGER NOT NULL DEFAULT 0,
    extents INTEGER NOT NULL DEFAULT 0,
    records INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    wal_extents INTEGER NOT NULL DEFAULT 0,
    wal_bytes INTEGER NOT NULL DEFAULT 0,
    wal_since_ms INTEGER NOT NULL DEFAULT 0,
    appended_mark INTEGER NOT NULL DEFAULT 0,
    timestamp_mark INTEGER NOT NULL DEFAULT -1,
    PRIMARY KEY (topic_no, partition),
    CHECK (0 <= log_start AND log_start <= next_offset AND merged_end <= next_offset),
    CHECK (0 <= wal_extents AND wal_extents <= extents)
) STRICT, WITHOUT ROWID;

CREATE TABLE leader_epoch (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    start_offset INTEGER NOT NULL,
    PRIMARY KEY (topic_no, partition, epoch)
) STRICT, WITHOUT ROWID;

-- kind: 0 segment, 1 WAL. suspect: perhaps no extent names it; examined by the next collection pass.
CREATE TABLE object (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
    bytes INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    suspect INTEGER NOT NULL DEFAULT 1,
    unreferenced_ms INTEGER
) STRICT;
CREATE INDEX object_suspect ON object (unreferenced_ms, created_ms) WHERE suspect = 1;
CREATE INDEX object_wal ON object (no) WHERE kind = 1;

-- wal repeats the object's kind. timestamp_mark: at least every max_timestamp up to here.
-- appended_ms and timestamp_mark never decrease along a partition: both are searched by bisection.
CREATE TABLE extent (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    base_offset INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    object_no INTEGER NOT NULL,
    wal INTEGER NOT NULL,
    position INTEGER NOT NULL,
    length INTEGER NOT NULL,
    records INTEGER NOT NULL,
    max_timestamp INTEGER NOT NULL,
    timestamp_mark INTEGER NOT NULL,
    appended_ms INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL,
    PRIMARY KEY (topic_no, partition, base_offset),
    CHECK (base_offset <= last_offset AND length > 0 AND max_timestamp <= timestamp_mark)
) STRICT, WITHOUT ROWID;
CREATE INDEX extent_object ON extent (object_no);

-- batches: msgpack array of [base_sequence, last_sequence, base_offset, last_offset, timestamp].
CREATE TABLE producer (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    batches BLOB NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (topic_no, partition, producer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX producer_idle ON producer (updated_ms);

CREATE TABLE gap (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    cause TEXT NOT NULL,
    detail TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (topic_no, partition, first_offset),
    CHECK (first_offset <= last_offset)
) STRICT, WITHOUT ROWID;

-- The newest lines of what was collected; also keeps a collected key from being used again.
CREATE TABLE deletion (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

-- live = 0: deleted, but history still names it.
CREATE TABLE consumer_group (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id TEXT NOT NULL UNIQUE,
    live INTEGER NOT NULL DEFAULT 1,
    protocol_type TEXT NOT NULL,
    state TEXT NOT NULL,
    generation INTEGER NOT NULL,
    snapshot BLOB NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE actor (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    principal TEXT NOT NULL,
    client_id TEXT NOT NULL,
    host TEXT NOT NULL,
    member_id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    api TEXT NOT NULL,
    reason TEXT NOT NULL,
    used_ms INTEGER NOT NULL,
    UNIQUE (member_id, client_id, principal, host, generation, api, instance_id, reason)
) STRICT;
CREATE INDEX actor_used ON actor (used_ms);

-- The committed offset together with the line of history that made it: the newest line of a
-- partition lives here, and moves to offset_history when the next one supersedes it.
CREATE TABLE committed (
    group_no INTEGER NOT NULL,
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    committed_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    action TEXT NOT NULL,
    old_offset INTEGER,
    actor_no INTEGER NOT NULL,
    PRIMARY KEY (group_no, topic_no, partition)
) STRICT, WITHOUT ROWID;
CREATE INDEX committed_topic ON committed (topic_no);

CREATE TABLE offset_history (
    group_no INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    action TEXT NOT NULL,
    old_offset INTEGER,
    new_offset INTEGER,
    metadata TEXT NOT NULL,
    actor_no INTEGER NOT NULL,
    PRIMARY KEY (group_no, at_ms, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX offset_history_partition ON offset_history (group_no, topic_no, partition, at_ms, seq);

CREATE TABLE document (
    no INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (kind, id)
) STRICT;
CREATE INDEX document_age ON document (kind, created_ms, id);
