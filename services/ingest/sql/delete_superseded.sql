ALTER TABLE {table:Identifier}
DELETE WHERE tenant = {tenant:String} AND startsWith(intake, {prefix:String}) AND NOT has({current:Array(String)}, intake)
SETTINGS mutations_sync = 1
