import Type, { type Static } from 'typebox';
import { closed, Identifier, Name, Schema, Tenant } from './fields.ts';

const ColumnType = Type.Union(
  ['string', 'integer', 'number', 'timestamp', 'day'].map((word) => Type.Literal(word)) as [
    ReturnType<typeof Type.Literal<string>>,
  ],
);

const Column = Type.Object(
  {
    type: ColumnType,
    required: Type.Optional(Type.Boolean({ description: 'default true: a row without it is rejected' })),
    minimum: Type.Optional(Type.Number()),
    maximum: Type.Optional(Type.Number()),
    from: Type.Optional(Type.String({ description: 'timestamps: the earliest, ISO 8601' })),
    to: Type.Optional(Type.String({ description: 'timestamps: the latest, ISO 8601' })),
    pattern: Type.Optional(Type.String({ maxLength: 200 })),
  },
  closed,
);

export const Pipeline = Type.Object(
  {
    kind: Type.Literal('Pipeline'),
    schema: Schema,
    name: Name,
    description: Type.Optional(Type.String({ maxLength: 2000 })),
    tenant: Type.Optional(Tenant),
    owner: Name,
    source: Type.Object(
      {
        files: Type.Array(
          Type.Object(
            {
              dataset: Name,
              format: Type.Union([Type.Literal('parquet'), Type.Literal('jsonl')]),
            },
            { ...closed, description: "a dataset's name; the binding says where its file lies" },
          ),
          { minItems: 1, maxItems: 64 },
        ),
      },
      closed,
    ),
    contract: Type.Object(
      {
        columns: Type.Record(Identifier, Column),
        unknownColumns: Type.Union([Type.Literal('reject'), Type.Literal('drop')]),
        rules: Type.Optional(
          Type.Array(
            Type.Object(
              { name: Name, different: Type.Array(Identifier, { minItems: 2, maxItems: 2 }) },
              { ...closed, description: 'a rule over two columns: their values differ' },
            ),
            { maxItems: 32 },
          ),
        ),
      },
      closed,
    ),
    steps: Type.Array(
      Type.Union([
        Type.Object({ normalise: Type.Object({ upperCase: Type.Array(Identifier) }, closed) }, closed),
        Type.Object(
          { planDeparture: Type.Object({ departure: Identifier, delayMinutes: Identifier }, closed) },
          { ...closed, description: 'reconstructs day and scheduled_hour from the actual departure and the delay' },
        ),
        Type.Object(
          {
            enrich: Type.Object(
              {
                lookup: Name,
                key: Identifier,
                prefix: Identifier,
                columns: Type.Array(Identifier, { minItems: 1 }),
                onMiss: Type.Union([Type.Literal('reject'), Type.Literal('null')]),
              },
              closed,
            ),
          },
          closed,
        ),
      ]),
      { maxItems: 32 },
    ),
    sink: Type.Object(
      {
        table: Identifier,
        batchRowsMax: Type.Integer({ minimum: 100, maximum: 100_000 }),
        ttlDays: Type.Integer({ minimum: 1, maximum: 3650, description: 'counted from ingestion' }),
      },
      closed,
    ),
  },
  { ...closed, $id: 'https://orrery.dev/schema/pipeline.json', title: 'Pipeline' },
);
export type Pipeline = Static<typeof Pipeline>;
