-- One row a flight that kept the contract. Months as partitions (7 for half a year: an insert touches two at most, a month can be
-- dropped at once); ordered for what features ask: a span of days, then an origin or a route. The TTL counts from ingestion, since
-- the days themselves lie in 2001. Every insert carries a token; the window says how many of the last blocks can be told again.
CREATE TABLE IF NOT EXISTS flights
(
    tenant LowCardinality(String),
    intake LowCardinality(String) COMMENT 'pipeline/dataset/number: what the row was taken in by',
    file_digest LowCardinality(String) COMMENT 'with row_number the identity of a row',
    row_number UInt32 COMMENT 'counted from 1, as lines are' CODEC(T64, ZSTD(1)),
    day Date COMMENT 'of the reconstructed scheduled departure' CODEC(Delta, ZSTD(1)),
    scheduled_hour UInt8 COMMENT 'of the reconstructed scheduled departure' CODEC(ZSTD(1)),
    departure DateTime('UTC') COMMENT 'actual, local wall-clock time; not known beforehand' CODEC(Delta, ZSTD(1)),
    delay_minutes Int16 COMMENT 'at arrival; negative: early' CODEC(ZSTD(1)),
    distance_miles UInt16 CODEC(ZSTD(1)),
    origin LowCardinality(String),
    destination LowCardinality(String),
    origin_city LowCardinality(String),
    origin_state LowCardinality(String),
    origin_latitude Float64 CODEC(ZSTD(1)),
    origin_longitude Float64 CODEC(ZSTD(1)),
    destination_city LowCardinality(String),
    destination_state LowCardinality(String),
    destination_latitude Float64 CODEC(ZSTD(1)),
    destination_longitude Float64 CODEC(ZSTD(1)),
    ttl_days UInt16 CODEC(ZSTD(1)),
    ingested_at DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (tenant, day, origin, destination, scheduled_hour)
TTL ingested_at + toIntervalDay(ttl_days)
SETTINGS non_replicated_deduplication_window = 10000
