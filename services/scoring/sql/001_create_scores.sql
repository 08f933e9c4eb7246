-- One row a scored row and pair. Scoring a day again with the same pair replaces what it wrote: the version is the same, the
-- values are the same, and FINAL or an aggregate by key sees each once.
CREATE TABLE IF NOT EXISTS scores
(
    tenant LowCardinality(String),
    model LowCardinality(String),
    pair LowCardinality(String),
    release LowCardinality(String),
    dataset LowCardinality(String) COMMENT 'the features that were scored, by digest',
    day Date,
    file_digest LowCardinality(String),
    row_number UInt32,
    prediction Float32,
    scored_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree(scored_at)
PARTITION BY toYYYYMM(day)
ORDER BY (tenant, model, pair, day, file_digest, row_number)
TTL scored_at + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000
