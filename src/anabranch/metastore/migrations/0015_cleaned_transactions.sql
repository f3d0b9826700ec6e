-- cleaned_ms: when compaction had removed its records; NULL before. The row stays for a day, for brokers that
-- still hold them in memory, and readers take it for one without a marker, which may go meanwhile.
ALTER TABLE aborted_transaction ADD COLUMN cleaned_ms INTEGER;

-- Now and then, at the end of a transaction: at ``at_offset`` the last stable offset was ``stable``. A branch that ends
-- somewhere finds by it from where on to look for the transactions that were open there.
CREATE TABLE stable_point (
    topic_no INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    at_offset INTEGER NOT NULL,
    stable INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (topic_no, partition, at_offset)
) STRICT, WITHOUT ROWID;
