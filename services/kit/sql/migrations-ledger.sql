CREATE TABLE IF NOT EXISTS migrations
(
    service String,
    file String,
    digest String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (service, file)
SETTINGS non_replicated_deduplication_window = 1000
