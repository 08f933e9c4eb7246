-- How long each step of a run was in each state; the items of a map count with their step. A state that goes on lasts until `asOfMs`.
SELECT
    step,
    uniqExact(ref) AS refs,
    argMax(to_state, (position(ref, '.') = 0, sequence)) AS state,
    countIf(to_state = 'running') AS tries,
    sumIf(spent, to_state = 'ready') AS waitingMs,
    sumIf(spent, to_state = 'running') AS runningMs,
    sumIf(spent, to_state = 'retrying') AS retryingMs,
    sumIf(spent, to_state = 'suspended') AS suspendedMs,
    min(atMs) AS readyAtMs,
    minIf(atMs, to_state = 'running') AS startedAtMs,
    maxIf(atMs, ends) AS endedAtMs,
    countIf(is_last AND to_state = 'succeeded' AND startsWith(reason, 'degraded: ')) AS degraded,
    count() OVER () AS steps
FROM (
    SELECT
        step,
        ref,
        sequence,
        to_state,
        reason,
        toUnixTimestamp64Milli(at) AS atMs,
        to_state IN ('succeeded', 'failed', 'skipped', 'cancelled') AS ends,
        leadInFrame(toUnixTimestamp64Milli(at), 1, if(ends, toUnixTimestamp64Milli(at), {asOfMs:Int64})) OVER (
            PARTITION BY step, ref ORDER BY sequence ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
        ) AS until,
        greatest(0, until - atMs) AS spent,
        leadInFrame(sequence, 1, 0) OVER (
            PARTITION BY step, ref ORDER BY sequence ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
        ) = 0 AS is_last
    FROM run_events FINAL
    WHERE tenant = {tenant:String} AND run = {run:String} AND step != ''
)
GROUP BY step
ORDER BY runningMs + waitingMs DESC, step
LIMIT {limit:UInt32}
SETTINGS max_execution_time = 30
