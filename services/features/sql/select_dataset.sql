SELECT {{ columns }}
FROM {{ table }}
WHERE tenant = {tenant:String} AND {{ day }} >= {from:Date} AND {{ day }} <= {to:Date}
ORDER BY {{ order }}
