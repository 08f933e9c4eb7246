SELECT day, count() AS rows, lower(hex(sum(cityHash64(tuple({{ columns }}))))) AS hash
FROM {{ table }}
WHERE tenant = {tenant:String} AND day >= {from:Date} AND day <= {to:Date}
GROUP BY day
