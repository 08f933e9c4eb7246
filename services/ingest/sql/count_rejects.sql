SELECT kind, count() AS rows
FROM rejects
WHERE tenant = {tenant:String} AND has({intakes:Array(String)}, intake)
GROUP BY kind
ORDER BY kind
