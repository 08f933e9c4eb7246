-- The past summed by day and a few keys: what windows read. A month is a partition, replaced as a whole when its sums differ.
CREATE TABLE IF NOT EXISTS {{ table }}
(
    tenant LowCardinality(String),
    day Date,
    {{ columns }}
)
ENGINE = MergeTree
PARTITION BY (tenant, toYYYYMM(day))
ORDER BY (tenant, day{{ keys }})
