-- What failed in the last life of a run, and what was left out because of it.
SELECT
    sequence,
    ref,
    step,
    attempt,
    to_state AS `to`,
    reason,
    actor,
    toUnixTimestamp64Milli(at) AS atMs,
    countIf(to_state = 'skipped') OVER () AS skipped
FROM run_events FINAL
WHERE tenant = {tenant:String} AND run = {run:String} AND sequence >= {since:UInt32} AND step != '' AND to_state IN ('failed', 'skipped')
ORDER BY sequence
LIMIT {limit:UInt32}
SETTINGS max_execution_time = 30
