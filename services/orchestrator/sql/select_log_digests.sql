-- Which of these entries are recorded, and as what.
SELECT log_n AS n, any(digest) AS digest
FROM run_log
WHERE log_shard = {shard:String} AND log_n IN ({numbers:Array(UInt64)})
GROUP BY log_n
SETTINGS max_execution_time = 30
