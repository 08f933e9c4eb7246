-- What came by the topic and could not become history, kept as it was: no entry, or an entry that contradicts one recorded before.
CREATE TABLE IF NOT EXISTS run_log_rejects
(
    topic LowCardinality(String),
    partition UInt32,
    position UInt64,
    log_shard String,
    reason String,
    value String CODEC(ZSTD(3)),
    at DateTime64(3, 'UTC') COMMENT 'when the bus took it'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, position)
TTL toDateTime(at) + toIntervalDay(730)
SETTINGS non_replicated_deduplication_window = 10000
