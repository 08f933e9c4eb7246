-- One row a transition of a run or of one of its steps: the history that outlives the runs. Ordered for reading one run; an event
-- that was published twice has the same (tenant, run, sequence) and is kept once. Every insert carries its range as token; the
-- window says how many of the last blocks can be told again.
CREATE TABLE IF NOT EXISTS run_events
(
    tenant LowCardinality(String),
    run String CODEC(ZSTD(1)),
    sequence UInt32 COMMENT 'from 1, without a gap within a run' CODEC(T64, ZSTD(1)),
    workflow LowCardinality(String),
    definition LowCardinality(String) COMMENT 'digest that the run keeps for life',
    actor LowCardinality(String),
    step LowCardinality(String) COMMENT 'empty for a transition of the run itself',
    attempt UInt32 CODEC(T64, ZSTD(1)),
    fence UInt64 COMMENT 'of the lease, by which late results are refused' CODEC(ZSTD(1)),
    from_state LowCardinality(String),
    to_state LowCardinality(String),
    reason String CODEC(ZSTD(1)),
    release LowCardinality(String) COMMENT 'by which the transition was made',
    at DateTime64(3, 'UTC') COMMENT 'by the clock of Redis' CODEC(Delta, ZSTD(1)),
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (tenant, run, sequence)
TTL toDateTime(at) + toIntervalDay(730)
SETTINGS non_replicated_deduplication_window = 10000
