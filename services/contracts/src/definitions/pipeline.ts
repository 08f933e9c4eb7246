import Type, { type Static } from 'typebox';
import { closed, Identifier, Name, Schema, Tenant } from './fields.ts';

const required = Type.Optional(Type.Boolean({ description: 'default true: a row without it is rejected' }));
const minimum = Type.Optional(Type.Number({ description: 'the least value, itself allowed' }));
const maximum = Type.Optional(Type.Number({ description: 'the greatest value, itself allowed' }));
const from = Type.Optional(
  Type.String({ maxLength: 30, description: 'the earliest, itself allowed, as the column is written' }),
);
const to = Type.Optional(
  Type.String({ maxLength: 30, description: 'the latest, itself allowed, as the column is written' }),
);
const pattern = Type.Optional(Type.String({ maxLength: 200, description: 'a regular expression that the value fits' }));

/** What a row must hold under one name. Values are never converted from text to number or back. */
export const Column = Type.Union([
  Type.Object({ type: Type.Literal('string'), required, pattern }, closed),
  Type.Object({ type: Type.Literal('integer'), required, minimum, maximum }, closed),
  Type.Object({ type: Type.Literal('number'), required, minimum, maximum }, closed),
  Type.Object(
    { type: Type.Literal('timestamp'), required, from, to },
    { ...closed, description: 'wall-clock time without a zone: 2001-06-15T17:30 or 2001-06-15 17:30:00' },
  ),
  Type.Object({ type: Type.Literal('day'), required, from, to }, { ...closed, description: 'a day, 2001-06-15' }),
]);
export type Column = Static<typeof Column>;

const SourceFile = Type.Object(
  {
    dataset: Name,
    format: Type.Union([Type.Literal('parquet'), Type.Literal('jsonl')]),
    rowsMax: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 4_294_967_295,
        description: 'take only this many rows, from the first; default all',
      }),
    ),
  },
  { ...closed, description: "a dataset's name; the binding says where its file lies" },
);

const Lookup = Type.Object(
  {
    dataset: Name,
    format: Type.Literal('csv'),
    key: Type.String({ minLength: 1, maxLength: 63, description: 'the column that a row is found by' }),
  },
  { ...closed, description: 'a small table by which rows are enriched, held in memory' },
);

const Rule = Type.Object(
  { name: Identifier, different: Type.Array(Identifier, { minItems: 2, maxItems: 2 }) },
  { ...closed, description: 'two columns whose values differ; the name is the kind of the reject' },
);

const Normalise = Type.Object(
  {
    uses: Type.Literal('normalise'),
    with: Type.Object(
      {
        upperCase: Type.Optional(Type.Array(Identifier, { minItems: 1, maxItems: 64 })),
        rename: Type.Optional(
          Type.Record(Identifier, Identifier, { description: 'name of the source -> name in the table' }),
        ),
      },
      closed,
    ),
  },
  closed,
);

const PlanDeparture = Type.Object(
  {
    uses: Type.Literal('plan-departure'),
    with: Type.Object({ departure: Identifier, delayMinutes: Identifier }, closed),
  },
  {
    ...closed,
    description: 'adds day and scheduled_hour of departure - delay: what was known before the flight left',
  },
);

const Enrich = Type.Object(
  {
    uses: Type.Literal('enrich'),
    with: Type.Object(
      {
        lookup: Name,
        key: Identifier,
        prefix: Type.String({ pattern: '^[a-z][a-z0-9_]{0,30}$', description: "goes before each added column's name" }),
        columns: Type.Record(Identifier, Type.Union([Type.Literal('string'), Type.Literal('number')]), {
          description: 'columns of the lookup with their types',
        }),
        onMiss: Type.Union([Type.Literal('reject'), Type.Literal('empty')]),
      },
      closed,
    ),
  },
  closed,
);

export const PipelineStep = Type.Union([Normalise, PlanDeparture, Enrich]);
export type PipelineStep = Static<typeof PipelineStep>;

const Sink = Type.Object(
  {
    table: Identifier,
    views: Type.Optional(
      Type.Array(
        Type.Object(
          { table: Identifier, rows: Identifier },
          {
            ...closed,
            description: 'a table filled from this one; the sum of its column `rows` equals the rows taken in',
          },
        ),
        { maxItems: 16 },
      ),
    ),
    batchRowsMax: Type.Integer({
      minimum: 100,
      maximum: 100_000,
      description: 'rows of one range: written and recorded as one',
    }),
    ttlDays: Type.Integer({ minimum: 1, maximum: 3650, description: 'how long a row stays, counted from ingestion' }),
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
    source: Type.Object({ files: Type.Array(SourceFile, { minItems: 1, maxItems: 64 }) }, closed),
    lookups: Type.Optional(Type.Array(Lookup, { maxItems: 16 })),
    contract: Type.Object(
      {
        columns: Type.Record(Identifier, Column),
        unknownColumns: Type.Union([Type.Literal('reject'), Type.Literal('drop')]),
        rules: Type.Optional(Type.Array(Rule, { maxItems: 32 })),
      },
      { ...closed, description: 'what a row must be; one that breaks it is kept as a reject with the reason' },
    ),
    steps: Type.Array(PipelineStep, { maxItems: 32 }),
    sink: Sink,
  },
  { ...closed, $id: 'https://orrery.dev/schema/pipeline.json', title: 'Pipeline' },
);
export type Pipeline = Static<typeof Pipeline>;
