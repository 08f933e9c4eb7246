-- Datasets that were exported: `content` names the partitions that went in, `dataset` the object of the store that came out.
CREATE TABLE IF NOT EXISTS feature_datasets
(
    tenant LowCardinality(String),
    actor LowCardinality(String),
    feature_set LowCardinality(String),
    fingerprint LowCardinality(String),
    first_day Date,
    last_day Date,
    content String,
    dataset String,
    rows UInt64,
    bytes UInt64,
    exported_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(exported_at)
ORDER BY (tenant, feature_set, fingerprint, first_day, last_day, content)
SETTINGS non_replicated_deduplication_window = 1000
