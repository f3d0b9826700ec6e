-- Groups of the consumer protocol (KIP-848): which protocol leads a group, and a row for each of its members,
-- so that what one of thousands changes costs one row.

-- kind: classic | consumer
ALTER TABLE consumer_group ADD COLUMN kind TEXT NOT NULL DEFAULT 'classic';

-- Of groups of kind consumer; body is the group automaton's own encoding.
CREATE TABLE group_member (
    group_no INTEGER NOT NULL,
    member_id TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (group_no, member_id)
) STRICT, WITHOUT ROWID;
