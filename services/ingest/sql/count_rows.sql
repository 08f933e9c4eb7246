SELECT count() AS rows
FROM {table:Identifier}
WHERE tenant = {tenant:String} AND intake = {intake:String}
