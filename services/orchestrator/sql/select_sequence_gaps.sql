-- Runs whose history has a gap: as many events as the highest sequence says, or something was lost on the way.
SELECT
    tenant,
    run,
    max(sequence) AS expected,
    uniqExact(sequence) AS found
FROM run_events
GROUP BY tenant, run
HAVING found != expected
LIMIT 100
SETTINGS max_execution_time = 60
