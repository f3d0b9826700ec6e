-- A broker that was out of sight registers anew, and goes on writing the objects of its start: a rebuild must
-- not take that start for one that had ended.

-- wal_epoch: the epoch in the keys of the WAL objects that the broker writes; NULL: the same as epoch.
ALTER TABLE broker ADD COLUMN wal_epoch INTEGER;
