-- cleaned_ms: when compaction had removed its records; NULL before. The row stays for a day, for brokers that
-- still hold them in memory, and readers take it for one without a marker, which may go meanwhile.
ALTER TABLE aborted_transaction ADD COLUMN cleaned_ms INTEGER;
