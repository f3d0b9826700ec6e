-- Ranges of a partition that cannot be read, and those that an operator skipped. docs/formats-metastore.md.

-- What brokers and checks met. found_ms: when it was met first.
CREATE TABLE damage (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    cause TEXT NOT NULL,
    object_key TEXT NOT NULL,
    detail TEXT NOT NULL,
    records INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    found_ms INTEGER NOT NULL,
    PRIMARY KEY (topic_no, partition, first_offset),
    CHECK (first_offset <= last_offset)
) STRICT, WITHOUT ROWID;

-- Who gave up which range, when and why: a line is never changed.
CREATE TABLE damage_skip (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    cause TEXT NOT NULL,
    object_key TEXT NOT NULL,
    detail TEXT NOT NULL,
    records INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    found_ms INTEGER NOT NULL,
    principal TEXT NOT NULL,
    host TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (topic_no, partition, first_offset, at_ms),
    CHECK (first_offset <= last_offset)
) STRICT, WITHOUT ROWID;
