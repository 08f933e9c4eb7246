-- How long attempts of a run held a place of each pool.
SELECT pool, sum(spent) AS runningMs
FROM (
    SELECT
        pool,
        to_state,
        toUnixTimestamp64Milli(at) AS atMs,
        leadInFrame(toUnixTimestamp64Milli(at), 1, {asOfMs:Int64}) OVER (
            PARTITION BY step, ref ORDER BY sequence ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
        ) AS until,
        greatest(0, until - atMs) AS spent
    FROM run_events FINAL
    WHERE tenant = {tenant:String} AND run = {run:String} AND step != ''
)
WHERE to_state = 'running'
GROUP BY pool
ORDER BY pool
LIMIT 1000
SETTINGS max_execution_time = 30
