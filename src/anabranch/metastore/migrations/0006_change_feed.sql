-- What the processes that share a metastore tell each other: which rows to look at again. A hint, not a
-- record: only the newest lines are kept. (On PostgreSQL NOTIFY does this, and the table stays empty.)

-- origin: a number of the process that wrote. body: JSON, see anabranch.metastore.changes.
CREATE TABLE change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    origin INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
