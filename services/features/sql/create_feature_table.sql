-- The features of one fingerprint. A day of a tenant is a partition, so that a day that is computed again replaces itself whole.
CREATE TABLE IF NOT EXISTS {{ table }}
(
    tenant LowCardinality(String),
    fingerprint LowCardinality(String),
    {{ columns }}
)
ENGINE = MergeTree
PARTITION BY (tenant, {{ day }})
ORDER BY ({{ identity }})
