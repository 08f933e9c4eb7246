SELECT dataset, rows, bytes
FROM feature_datasets
WHERE tenant = {tenant:String} AND feature_set = {featureSet:String} AND fingerprint = {fingerprint:String}
AND first_day = {from:Date} AND last_day = {to:Date} AND content = {content:String}
ORDER BY exported_at DESC
LIMIT 1
