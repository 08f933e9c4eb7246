-- The digests of single rows, by which the next rows of their runs are chained.
SELECT run, sequence, any(digest) AS digest
FROM run_events
WHERE (tenant, run, sequence) IN ({rows:Array(Tuple(String, String, UInt32))})
GROUP BY run, sequence
SETTINGS max_execution_time = 30
