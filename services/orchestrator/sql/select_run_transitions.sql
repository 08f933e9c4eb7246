-- The transitions of a run itself, without its steps.
SELECT
    sequence,
    workflow,
    definition,
    from_state AS `from`,
    to_state AS `to`,
    reason,
    actor,
    toUnixTimestamp64Milli(at) AS atMs
FROM run_events FINAL
WHERE tenant = {tenant:String} AND run = {run:String} AND step = ''
ORDER BY sequence
LIMIT {limit:UInt32}
SETTINGS max_execution_time = 10
