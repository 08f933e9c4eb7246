SELECT lo, hi, accepted, rejected
FROM ingest_ranges FINAL
WHERE tenant = {tenant:String} AND intake = {intake:String}
ORDER BY lo
