-- Sums that a table and any table summed up from it share, by month: keys weigh by a hash, so that a change of place shows too.
SELECT toYYYYMM({{ day }}) AS month, concat({{ sums }}) AS sums
FROM {{ table }}
WHERE tenant = {tenant:String} AND has({months:Array(UInt32)}, toYYYYMM({{ day }}))
GROUP BY month
