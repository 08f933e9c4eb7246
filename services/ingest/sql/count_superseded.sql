SELECT count() AS rows
FROM {table:Identifier}
WHERE tenant = {tenant:String} AND startsWith(intake, {prefix:String}) AND NOT has({current:Array(String)}, intake)
