SELECT count() AS rows, round(avg(prediction), 4) AS mean
FROM scores FINAL
WHERE tenant = {tenant:String} AND model = {model:String} AND pair = {pair:String} AND day = {day:Date} AND dataset = {dataset:String}
