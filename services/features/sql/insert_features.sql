INSERT INTO {{ staging }} (tenant, fingerprint, {{ columns }})
SELECT {tenant:String}, {fingerprint:String}, {{ columns }}
FROM (
{{ select }}
)
