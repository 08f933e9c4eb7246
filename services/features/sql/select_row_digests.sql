-- What a day's rows are: all that a feature may read, the label and what names a row.
SELECT {{ day }} AS day, count() AS rows, lower(hex(sum(cityHash64(tuple({{ columns }}))))) AS hash
FROM {{ table }}
WHERE tenant = {tenant:String} AND {{ day }} >= {from:Date} AND {{ day }} <= {to:Date}
GROUP BY day
