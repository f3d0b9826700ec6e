-- What brokers tell each other with every beat, so that reading old data on one slows for appends on another.

-- late_percent: what its appends take, in per cent of what they take while nobody reads old data; 0: not known.
-- cold_bytes_per_second: what it reads below the tail.
ALTER TABLE broker ADD COLUMN late_percent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE broker ADD COLUMN cold_bytes_per_second INTEGER NOT NULL DEFAULT 0;
