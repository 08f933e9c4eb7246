-- Every row of the runs that did something in an interval, run by run, twins too.
SELECT
    tenant, run, sequence, workflow, definition, actor, step, attempt, toString(fence), from_state, to_state, reason, release,
    toUnixTimestamp64Milli(at), ref, pool, log_shard, log_n, previous, digest
FROM run_events
WHERE (tenant, run) IN (
    SELECT DISTINCT tenant, run
    FROM run_events
    WHERE at >= fromUnixTimestamp64Milli({fromMs:Int64}) AND at < fromUnixTimestamp64Milli({toMs:Int64})
)
ORDER BY tenant, run, sequence
SETTINGS max_execution_time = 3600
