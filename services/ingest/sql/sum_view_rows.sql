SELECT sum({column:Identifier}) AS rows
FROM {table:Identifier}
WHERE tenant = {tenant:String} AND intake = {intake:String}
