-- The history of one run, in order. An event that was recorded twice counts once.
SELECT
    sequence,
    ref,
    step,
    attempt,
    fence,
    from_state AS `from`,
    to_state AS `to`,
    reason,
    actor,
    pool,
    release,
    toUnixTimestamp64Milli(at) AS atMs
FROM run_events FINAL
WHERE tenant = {tenant:String} AND run = {run:String}
ORDER BY sequence
LIMIT {limit:UInt32}
SETTINGS max_execution_time = 10
