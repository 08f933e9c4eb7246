-- Makes the rows of a run a chain, and says where in the log of its shard an event stands. Rows from before have an empty digest.
ALTER TABLE run_events
    ADD COLUMN IF NOT EXISTS ref String COMMENT 'number of the step, step.item, empty for the run' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS pool LowCardinality(String) COMMENT 'that a claimed step was taken from',
    ADD COLUMN IF NOT EXISTS log_shard LowCardinality(String),
    ADD COLUMN IF NOT EXISTS log_n UInt64 COMMENT 'of the entry that the event came in; 0 before there was a log' CODEC(Delta, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS previous String COMMENT 'digest of the row before in the run; empty where it was missing' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS digest String COMMENT 'SHA-256 over previous and the row as canonical JSON' CODEC(ZSTD(1))
