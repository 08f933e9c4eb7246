-- One row a row that broke its contract, of every pipeline: what was wrong and the row as it came, so that it can be taken in again.
CREATE TABLE IF NOT EXISTS rejects
(
    tenant LowCardinality(String),
    pipeline LowCardinality(String),
    intake LowCardinality(String),
    file_digest LowCardinality(String),
    row_number UInt32,
    kind LowCardinality(String),
    column_name LowCardinality(String) COMMENT 'empty where the whole row is at fault',
    value String COMMENT 'cut to 200 characters' CODEC(ZSTD(1)),
    reason String CODEC(ZSTD(1)),
    body String COMMENT 'the row as one line of JSON, or the line itself where it is none' CODEC(ZSTD(3)),
    ttl_days UInt16,
    rejected_at DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
ORDER BY (tenant, pipeline, intake, file_digest, row_number)
TTL rejected_at + toIntervalDay(ttl_days)
SETTINGS non_replicated_deduplication_window = 10000
