-- One row an entry of the log: a call of the orchestrator's core. Proves that no entry is missing (log_n has no gap in a shard) and
-- that no event of an entry is (events), and keeps what was asked of the core without any run.
CREATE TABLE IF NOT EXISTS run_log
(
    log_shard LowCardinality(String),
    log_n UInt64 CODEC(Delta, ZSTD(1)),
    verb LowCardinality(String),
    events UInt32 COMMENT 'that the entry holds' CODEC(T64, ZSTD(1)),
    tenant LowCardinality(String) COMMENT 'of a call that is about no run',
    actor LowCardinality(String) COMMENT 'of a call that is about no run',
    arguments String COMMENT 'of a control call, as a JSON list' CODEC(ZSTD(1)),
    release LowCardinality(String),
    at DateTime64(3, 'UTC') COMMENT 'by the clock of Redis' CODEC(Delta, ZSTD(1)),
    digest String COMMENT 'SHA-256 of the entry without its arguments' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (log_shard, log_n)
TTL toDateTime(at) + toIntervalDay(730)
SETTINGS non_replicated_deduplication_window = 10000
