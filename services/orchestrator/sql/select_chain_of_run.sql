-- Every row of a run as it stands, twins too: a row that was written over another one must be seen.
SELECT
    tenant, run, sequence, workflow, definition, actor, step, attempt, toString(fence), from_state, to_state, reason, release,
    toUnixTimestamp64Milli(at), ref, pool, log_shard, log_n, previous, digest
FROM run_events
WHERE tenant = {tenant:String} AND run = {run:String}
ORDER BY tenant, run, sequence
SETTINGS max_execution_time = 60
