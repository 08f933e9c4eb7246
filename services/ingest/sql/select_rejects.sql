SELECT file_digest, row_number, kind, column_name, value, reason, body, rejected_at
FROM rejects
WHERE tenant = {tenant:String} AND pipeline = {pipeline:String} AND ({kind:String} = '' OR kind = {kind:String})
ORDER BY file_digest, row_number
LIMIT {limit:UInt32}
