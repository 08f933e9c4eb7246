-- An intake is one file taken in under one contract. A dataset stands in its table as its latest intake; rows of earlier ones go.
CREATE TABLE IF NOT EXISTS ingest_intakes
(
    tenant LowCardinality(String),
    pipeline LowCardinality(String),
    dataset LowCardinality(String),
    number UInt32,
    intake String,
    file_digest String,
    contract_digest String,
    rows UInt32,
    batch_rows UInt32 COMMENT 'how the file is cut; fixed for the life of the intake',
    actor LowCardinality(String),
    opened_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (tenant, pipeline, dataset, number)
SETTINGS non_replicated_deduplication_window = 10000;

-- A range is written here last, when its rows and rejects stand: what has no row here is done again under the same tokens.
CREATE TABLE IF NOT EXISTS ingest_ranges
(
    tenant LowCardinality(String),
    intake LowCardinality(String),
    file_digest LowCardinality(String),
    lo UInt32,
    hi UInt32,
    accepted UInt32,
    rejected UInt32,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, intake, lo, hi)
SETTINGS non_replicated_deduplication_window = 10000
