-- How long the runs of a workflow took that succeeded lately, from their last start to their end.
SELECT count() AS n, toUInt64(quantileExact(0.5)(took)) AS p50Ms, toUInt64(quantileExact(0.9)(took)) AS p90Ms
FROM (
    SELECT
        maxIf(toUnixTimestamp64Milli(at), to_state = 'succeeded') - maxIf(toUnixTimestamp64Milli(at), to_state = 'running') AS took
    FROM run_events
    WHERE tenant = {tenant:String} AND workflow = {workflow:String} AND step = ''
        AND at >= fromUnixTimestamp64Milli({sinceMs:Int64})
    GROUP BY run
    HAVING countIf(to_state = 'succeeded') > 0 AND countIf(to_state = 'running') > 0
    ORDER BY max(at) DESC
    LIMIT {runs:UInt32}
)
SETTINGS max_execution_time = 30
