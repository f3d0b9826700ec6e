-- What share groups (KIP-932) have delivered. docs/formats-metastore.md.

-- state is the broker's own encoding; start_offset is what it begins with, for who only wants that. Whoever raises
-- state_epoch owns the row: a save with an older one changes nothing.
CREATE TABLE share_partition (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    state_epoch INTEGER NOT NULL,
    start_offset INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (topic_no, partition, group_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX share_partition_group ON share_partition (group_id);
