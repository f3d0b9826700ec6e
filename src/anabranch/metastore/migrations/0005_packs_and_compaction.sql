-- Packs, quarantine, compaction, deletions that survive a crash. See docs/formats-metastore.md.

-- form: how an object in the store is laid out: 0 a segment, 1 a pack, 2 bytes in quarantine.
-- live_bytes: of a pack, what extents still name; NULL where it has to be measured (again).
ALTER TABLE object ADD COLUMN form INTEGER NOT NULL DEFAULT 0 CHECK (form IN (0, 1, 2));
ALTER TABLE object ADD COLUMN live_bytes INTEGER;
CREATE INDEX object_pack ON object (live_bytes) WHERE form = 1;

-- pending: the row is gone, the bytes may still be there.
ALTER TABLE deletion ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deletion_pending ON deletion (seq) WHERE pending = 1;

-- Of what lies in first_offset .. gap_end - 1 only the newest record of each key is kept for sure (I2):
-- gap_end moves before anything is removed, cleaned_end after all of it was.
-- clean_bytes: what was left below cleaned_end. horizon_ms: when the first delete marker below may go.
CREATE TABLE compaction (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    gap_end INTEGER NOT NULL,
    cleaned_end INTEGER NOT NULL,
    clean_bytes INTEGER NOT NULL,
    horizon_ms INTEGER,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (topic_no, partition),
    CHECK (0 <= first_offset AND first_offset <= gap_end AND cleaned_end <= gap_end)
) STRICT, WITHOUT ROWID;
