SELECT number, intake, file_digest, contract_digest, rows, batch_rows
FROM ingest_intakes
WHERE tenant = {tenant:String} AND pipeline = {pipeline:String} AND dataset = {dataset:String}
ORDER BY number DESC
LIMIT 1
