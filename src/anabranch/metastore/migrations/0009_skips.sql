-- How often something of the partition was skipped: brokers that hold its newest batches in memory notice.
ALTER TABLE partition ADD COLUMN skips INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deleted_partition ADD COLUMN skips INTEGER NOT NULL DEFAULT 0;
