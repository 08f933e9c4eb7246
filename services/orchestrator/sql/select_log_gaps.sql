-- Where the log of a shard has a gap, between the first and the last entry of an interval.
WITH ends AS (
    SELECT log_shard, min(log_n) AS first, max(log_n) AS last
    FROM run_log
    WHERE at >= fromUnixTimestamp64Milli({fromMs:Int64}) AND at < fromUnixTimestamp64Milli({toMs:Int64})
    GROUP BY log_shard
)
SELECT log_shard AS shard, before + 1 AS `from`, log_n - 1 AS `to`
FROM (
    SELECT
        log_shard,
        log_n,
        lagInFrame(log_n, 1, toUInt64(log_n - 1)) OVER (
            PARTITION BY log_shard ORDER BY log_n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
        ) AS before
    FROM (
        SELECT DISTINCT run_log.log_shard AS log_shard, run_log.log_n AS log_n
        FROM run_log INNER JOIN ends ON run_log.log_shard = ends.log_shard
        WHERE run_log.log_n BETWEEN ends.first AND ends.last
    )
)
WHERE log_n != before + 1
ORDER BY shard, `from`
LIMIT 100
SETTINGS max_execution_time = 600
