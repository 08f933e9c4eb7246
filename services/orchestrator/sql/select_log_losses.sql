-- Entries of which not every event is a row: cutting off the end of a run leaves its chain whole, but not this.
SELECT noted.log_shard AS shard, noted.log_n AS n, noted.expected AS expected, recorded.found AS found
FROM (
    SELECT log_shard, log_n, any(events) AS expected
    FROM run_log
    WHERE at >= fromUnixTimestamp64Milli({fromMs:Int64}) AND at < fromUnixTimestamp64Milli({toMs:Int64})
    GROUP BY log_shard, log_n
) AS noted
LEFT JOIN (
    SELECT log_shard, log_n, uniqExact(tenant, run, sequence) AS found
    FROM run_events
    WHERE at >= fromUnixTimestamp64Milli({fromMs:Int64}) AND at < fromUnixTimestamp64Milli({toMs:Int64})
    GROUP BY log_shard, log_n
) AS recorded ON noted.log_shard = recorded.log_shard AND noted.log_n = recorded.log_n
WHERE recorded.found != noted.expected
ORDER BY shard, n
LIMIT 100
SETTINGS max_execution_time = 600
