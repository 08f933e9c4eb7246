-- Changes whenever a part comes or goes: cheap to ask, and equal means that nothing was written.
SELECT concat(toString(count()), '-', toString(sum(cityHash64(name, toString(uuid), modification_time)))) AS state
FROM system.parts
WHERE database = currentDatabase() AND table = {table:String} AND active
