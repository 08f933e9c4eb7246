-- Who stepped in: what somebody else than the owner of the run did, and what only a person asks of a run. Acts that differ by their
-- time alone are one.
SELECT
    actor,
    step,
    from_state AS `from`,
    to_state AS `to`,
    reason,
    min(sequence) AS first,
    toUnixTimestamp64Milli(argMin(at, run_events.sequence)) AS atMs,
    count() AS times
FROM run_events FINAL
WHERE tenant = {tenant:String} AND run = {run:String}
    AND (actor != {owner:String} OR sequence = 1 OR (step = '' AND to_state IN ('queued', 'cancelling', 'cancelled')))
GROUP BY actor, step, from_state, to_state, reason
ORDER BY first
LIMIT 200
SETTINGS max_execution_time = 30
