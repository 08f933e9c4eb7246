-- Sums from which counts, means and spreads of delays follow for any span of days, airport or route. Read with sum(): rows of one
-- key are added up only when parts merge. The window must stand here too: without it a repeated insert would be dropped from the
-- table and counted twice in the view. The rows leave with those that they were summed from.
CREATE TABLE IF NOT EXISTS flights_by_hour
(
    tenant LowCardinality(String),
    day Date CODEC(Delta, ZSTD(1)),
    origin LowCardinality(String),
    destination LowCardinality(String),
    scheduled_hour UInt8 CODEC(ZSTD(1)),
    intake LowCardinality(String),
    flights SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    delay_sum SimpleAggregateFunction(sum, Int64) CODEC(T64, ZSTD(1)),
    delay_squares_sum SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    expires_at SimpleAggregateFunction(max, DateTime('UTC')) CODEC(Delta, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (tenant, day, origin, destination, scheduled_hour, intake)
TTL expires_at
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS flights_by_hour_view TO flights_by_hour
AS SELECT
    tenant,
    day,
    origin,
    destination,
    scheduled_hour,
    intake,
    count() AS flights,
    sum(toInt64(delay_minutes)) AS delay_sum,
    sum(toUInt64(toInt32(delay_minutes) * toInt32(delay_minutes))) AS delay_squares_sum,
    max(ingested_at + toIntervalDay(ttl_days)) AS expires_at
FROM flights
GROUP BY tenant, day, origin, destination, scheduled_hour, intake
