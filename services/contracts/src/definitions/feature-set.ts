import Type, { type Static } from 'typebox';
import { closed, Identifier, Name, Schema, Tenant } from './fields.ts';

/** What a row can carry when it is scored. No 64-bit integers: JSON can't hold them exactly. */
export const RowColumnType = Type.Enum(
  ['String', 'Date', 'UInt8', 'UInt16', 'UInt32', 'Int8', 'Int16', 'Int32', 'Float32', 'Float64'],
  { description: 'the ClickHouse type of a column; LowCardinality counts as what is inside' },
);
export type RowColumnType = Static<typeof RowColumnType>;

const MeasureType = Type.Enum(['UInt64', 'Int64'], {
  description:
    'a whole number: its sum is the same in any order, so a feature that is computed again has the same bits',
});

export const FeatureColumn = Type.Object(
  {
    name: Identifier,
    type: Type.Union([Type.Literal('number'), Type.Literal('category')], {
      description: 'number: float32, finite or null; category: text',
    }),
    description: Type.Optional(Type.String({ maxLength: 500 })),
    nullable: Type.Optional(Type.Boolean({ description: 'default false: a null stops the materialisation' })),
    minimum: Type.Optional(Type.Number({ description: 'numbers: a smaller value stops the materialisation' })),
    maximum: Type.Optional(Type.Number({ description: 'numbers: a greater value stops the materialisation' })),
  },
  closed,
);
export type FeatureColumn = Static<typeof FeatureColumn>;

const Rows = Type.Object(
  {
    table: Identifier,
    day: { ...Identifier, description: 'the column of the logical day; a row reads only the past before this day' },
    identity: Type.Array(Identifier, { minItems: 1, maxItems: 8, description: 'columns that name a row for ever' }),
    columns: Type.Record(Identifier, RowColumnType, {
      ...closed,
      minProperties: 1,
      maxProperties: 100,
      description: 'what is known of a row when it is scored',
    }),
    label: Type.Object(
      { column: Identifier, type: RowColumnType },
      { ...closed, description: 'what is predicted: kept beside the features, never readable by them' },
    ),
  },
  { ...closed, description: 'the rows that get features: one table, one row each' },
);

const History = Type.Object(
  {
    table: Identifier,
    day: Identifier,
    keys: Type.Array(Identifier, {
      minItems: 1,
      maxItems: 8,
      description: 'columns by which the past is looked up; each is also a column of the rows',
    }),
    measures: Type.Record(Identifier, MeasureType, {
      ...closed,
      minProperties: 1,
      maxProperties: 32,
      description: 'columns that are summed over the days of a window',
    }),
    daysMax: Type.Integer({ minimum: 1, maximum: 400, description: 'the longest window' }),
  },
  { ...closed, description: 'the past as sums a day; a window ends on the day before the row, whatever is written' },
);

/** Where rows and their past come from. The template reads them only through `{{ rows }}` and `{{ history(days, …) }}`. */
export const FeatureSet = Type.Object(
  {
    kind: Type.Literal('FeatureSet'),
    schema: Schema,
    name: Name,
    description: Type.Optional(Type.String({ maxLength: 2000 })),
    tenant: Type.Optional(Tenant),
    owner: Name,
    rows: Rows,
    history: History,
    sql: Type.String({
      minLength: 1,
      maxLength: 20_000,
      description:
        'SELECT <expression> AS <feature>, … FROM {{ rows }} LEFT JOIN {{ history(days, key, …) }} AS <window> …; ' +
        'an expression reads columns of the row, and <window>.<measure>: its sum over the days before, null without any',
    }),
    features: Type.Array(FeatureColumn, { minItems: 1, maxItems: 1000 }),
  },
  { ...closed, $id: 'https://orrery.dev/schema/feature-set.json', title: 'FeatureSet' },
);
export type FeatureSet = Static<typeof FeatureSet>;
