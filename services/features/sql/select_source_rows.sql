(
  SELECT {{ columns }}
  FROM {{ table }}
  WHERE tenant = {tenant:String}
  AND {{ day }} >= arrayMin({days:Array(Date)}) AND {{ day }} <= arrayMax({days:Array(Date)})
  AND has({days:Array(Date)}, {{ day }})
)
