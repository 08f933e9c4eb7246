SELECT table, name, type
FROM system.columns
WHERE database = currentDatabase() AND has({tables:Array(String)}, table)
