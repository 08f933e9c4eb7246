INSERT INTO {{ staging }} (tenant, day, {{ columns }})
SELECT {tenant:String}, {{ day }}, {{ values }}
FROM {{ source }}
WHERE tenant = {tenant:String} AND has({months:Array(UInt32)}, toYYYYMM({{ day }}))
GROUP BY {{ day }}{{ keys }}
