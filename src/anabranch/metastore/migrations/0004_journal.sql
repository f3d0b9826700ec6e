-- The journal: what of the metastore has been shipped to the bucket, and what is still to be.

-- epoch: grows whenever another process begins to ship. number: the last entry that is accounted for,
-- written under number_epoch. snapshot_…: the newest whole snapshot; 0, 0 if what was shipped since
-- the last one cannot be relied on, so that a new one must come first.
CREATE TABLE journal (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    incarnation BLOB,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    number_epoch INTEGER NOT NULL,
    shipped_ms INTEGER NOT NULL,
    snapshot_epoch INTEGER NOT NULL,
    snapshot_number INTEGER NOT NULL,
    snapshot_ms INTEGER NOT NULL
) STRICT;
INSERT INTO journal (one, incarnation, epoch, number, number_epoch, shipped_ms, snapshot_epoch,
    snapshot_number, snapshot_ms) VALUES (1, NULL, 0, 0, 0, 0, 0, 0, 0);

-- Spans of rows that changed and are not shipped yet: a JSON array of [table, key, low, high, kept].
-- What appends change is not noted: it is found by comparing partition.next_offset with journal_mark.
CREATE TABLE journal_note (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    spans TEXT NOT NULL
) STRICT;

-- How far each partition was shipped: its next_offset and appended_mark then.
CREATE TABLE journal_mark (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    appended_mark INTEGER NOT NULL,
    PRIMARY KEY (topic_no, partition)
) STRICT, WITHOUT ROWID;
