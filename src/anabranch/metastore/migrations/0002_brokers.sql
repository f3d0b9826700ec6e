-- Several brokers on one metastore: who lives, in which lane and rack; and whose picture of a group counts.

-- heartbeat_ms: when the broker last said that it serves; 0: it is still starting.
ALTER TABLE broker ADD COLUMN lane TEXT NOT NULL DEFAULT 'live';
ALTER TABLE broker ADD COLUMN rack TEXT;
ALTER TABLE broker ADD COLUMN heartbeat_ms INTEGER NOT NULL DEFAULT 0;

-- fence: another number with every save by a coordinator; 0: none ever saved the group.
-- lane: the lane of the broker that saved it last.
ALTER TABLE consumer_group ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE consumer_group ADD COLUMN lane TEXT NOT NULL DEFAULT 'live';
