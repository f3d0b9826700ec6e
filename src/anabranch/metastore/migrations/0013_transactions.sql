-- Transactions: who may write in one, what it has written where, and how it ended. docs/formats-metastore.md.

-- state: 0 Empty, 1 Ongoing, 4 CompleteCommit, 5 CompleteAbort (Kafka's numbers). epoch: -1 before the first.
-- previous_…: what the producer had before the last change of it that it may not have heard of, or -1.
-- started_ms, updated_ms: on the clock that all who share the metastore agree on; started_ms only while ongoing.
CREATE TABLE transactional_id (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    producer_id INTEGER NOT NULL UNIQUE,
    epoch INTEGER NOT NULL,
    previous_producer_id INTEGER NOT NULL,
    previous_epoch INTEGER NOT NULL,
    timeout_ms INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state IN (0, 1, 4, 5)),
    started_ms INTEGER,
    updated_ms INTEGER NOT NULL,
    CHECK ((state = 1) = (started_ms IS NOT NULL))
) STRICT;
CREATE INDEX transactional_id_ongoing ON transactional_id ((started_ms + timeout_ms)) WHERE state = 1;
CREATE INDEX transactional_id_idle ON transactional_id (updated_ms) WHERE state <> 1;

-- The partitions of ongoing transactions; first_offset is NULL until something was written there.
CREATE TABLE transaction_partition (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,
    transaction_no INTEGER NOT NULL,
    first_offset INTEGER,
    PRIMARY KEY (topic_no, partition, producer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX transaction_partition_no ON transaction_partition (transaction_no);

-- The groups whose offsets an ongoing transaction carries. actor: JSON, who sent them; NULL until they came.
CREATE TABLE transaction_group (
    transaction_no INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    actor TEXT,
    PRIMARY KEY (transaction_no, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX transaction_group_id ON transaction_group (group_id);

CREATE TABLE transaction_offset (
    transaction_no INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    leader_epoch INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    committed_ms INTEGER NOT NULL,
    PRIMARY KEY (transaction_no, group_id, topic_no, partition)
) STRICT, WITHOUT ROWID;

-- What a read_committed reader leaves out: the producer's records in first_offset .. last_offset.
-- stable: the last stable offset that its end left: no transaction that ends later begins below it.
-- marked: an abort marker lies at last_offset. A transaction that a branch cut off has none.
CREATE TABLE aborted_transaction (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    stable INTEGER NOT NULL,
    marked INTEGER NOT NULL,
    PRIMARY KEY (topic_no, partition, last_offset, producer_id),
    CHECK (first_offset <= last_offset)
) STRICT, WITHOUT ROWID;
CREATE INDEX aborted_transaction_stable ON aborted_transaction (topic_no, partition, stable);

-- unstable: the first offset of an ongoing transaction, -1 without one. aborted_end: the largest last_offset of
-- an aborted transaction + 1, 0 without one.
ALTER TABLE partition ADD COLUMN unstable INTEGER NOT NULL DEFAULT -1;
ALTER TABLE partition ADD COLUMN aborted_end INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deleted_partition ADD COLUMN unstable INTEGER NOT NULL DEFAULT -1;
ALTER TABLE deleted_partition ADD COLUMN aborted_end INTEGER NOT NULL DEFAULT 0;
