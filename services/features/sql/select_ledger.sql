SELECT day, inputs, rows, row_hash AS hash
FROM feature_days FINAL
WHERE tenant = {tenant:String} AND feature_set = {featureSet:String} AND fingerprint = {fingerprint:String}
AND day >= {from:Date} AND day <= {to:Date}
ORDER BY day
