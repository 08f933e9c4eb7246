-- Left behind by a process that was killed; one that works on its own was made a moment ago.
SELECT name
FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, {prefix:String})
AND metadata_modification_time < now() - {ageSeconds:UInt32}
