-- What a day's partition holds; the sum of hashes is the same in any order of the rows.
SELECT {{ day }} AS day, count() AS rows, lower(hex(sum(cityHash64(tuple({{ columns }}))))) AS hash{{ checks }}
FROM {{ table }}
WHERE tenant = {tenant:String} AND {{ day }} >= {from:Date} AND {{ day }} <= {to:Date}
GROUP BY {{ day }}
