-- The ledger of what was computed: one line a day of a feature set, with what it was computed from and what came out. The newest
-- line of a day counts. The window makes a line that is told twice stand once.
CREATE TABLE IF NOT EXISTS feature_days
(
    tenant LowCardinality(String),
    actor LowCardinality(String),
    feature_set LowCardinality(String),
    fingerprint LowCardinality(String),
    day Date,
    inputs String COMMENT 'digest of the rows of the day and of the past that they read',
    rows UInt64,
    row_hash String COMMENT 'the same for the same rows in any order',
    computed_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (tenant, feature_set, fingerprint, day)
SETTINGS non_replicated_deduplication_window = 1000
