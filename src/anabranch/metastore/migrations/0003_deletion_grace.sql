-- A deleted topic keeps everything until its grace ends, so that it can be brought back.

-- purge_ms: when the rows of a deleted topic may go. Until then it can be undeleted.
ALTER TABLE topic ADD COLUMN purge_ms INTEGER;
UPDATE topic SET purge_ms = deleted_ms WHERE state > 0;

-- The partitions of deleted topics: the columns of table partition. What has no row in partition is
-- invisible to appends and reads; moving the rows here hides a topic and moving them back brings it back.
CREATE TABLE deleted_partition (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    log_start INTEGER NOT NULL,
    merged_end INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL,
    extents INTEGER NOT NULL,
    records INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    wal_extents INTEGER NOT NULL,
    wal_bytes INTEGER NOT NULL,
    wal_since_ms INTEGER NOT NULL,
    appended_mark INTEGER NOT NULL,
    timestamp_mark INTEGER NOT NULL,
    PRIMARY KEY (topic_no, partition)
) STRICT, WITHOUT ROWID;
