/** A feature set of short windows, so that a few days by hand tell all. */
export const shortWindows = `kind: FeatureSet
schema: 1
name: short
owner: data
rows:
  table: flights
  day: day
  identity: [file_digest, row_number]
  columns: { day: Date, scheduled_hour: UInt8, origin: String, destination: String, distance_miles: UInt16 }
  label: { column: delay_minutes, type: Int16 }
history:
  table: flights_by_hour
  day: day
  keys: [origin, destination]
  measures: { flights: UInt64, delay_sum: Int64 }
  daysMax: 3
sql: |
  SELECT
    distance_miles + scheduled_hour AS sum_of_both,
    lower(origin) AS from_airport,
    yesterday.delay_sum / yesterday.flights AS mean_1d,
    three.delay_sum / three.flights AS mean_3d,
    three.flights AS flights_3d,
    route.flights AS route_flights_3d,
    1 / (yesterday.flights - 1) AS inverse
  FROM {{ rows }}
  LEFT JOIN {{ history(1) }} AS yesterday
  LEFT JOIN {{ history(3, origin) }} AS three
  LEFT JOIN {{ history(3, destination, origin) }} AS route
features:
  - { name: sum_of_both, type: number }
  - { name: from_airport, type: category }
  - { name: mean_1d, type: number, nullable: true }
  - { name: mean_3d, type: number, nullable: true, maximum: 500 }
  - { name: flights_3d, type: number, nullable: true, minimum: 1 }
  - { name: route_flights_3d, type: number, nullable: true }
  - { name: inverse, type: number, nullable: true }
`;
