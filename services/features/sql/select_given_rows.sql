(
  SELECT {{ columns }}, position
  FROM (SELECT 1)
  ARRAY JOIN {{ arrays }}, arrayEnumerate({{ first }}) AS position
)
