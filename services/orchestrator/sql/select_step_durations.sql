-- How long the attempts of each step of a workflow took that succeeded lately; each item of a map is one.
SELECT step, count() AS n, toUInt64(quantileExact(0.5)(took)) AS p50Ms, toUInt64(quantileExact(0.9)(took)) AS p90Ms
FROM (
    SELECT
        step,
        maxIf(toUnixTimestamp64Milli(at), to_state = 'succeeded') - minIf(toUnixTimestamp64Milli(at), to_state = 'running') AS took
    FROM run_events
    WHERE tenant = {tenant:String} AND workflow = {workflow:String} AND step != ''
        AND at >= fromUnixTimestamp64Milli({sinceMs:Int64})
    GROUP BY run, step, ref, attempt
    HAVING countIf(to_state = 'succeeded') > 0 AND countIf(to_state = 'running') > 0
)
GROUP BY step
ORDER BY step
LIMIT 100000
SETTINGS max_execution_time = 60
