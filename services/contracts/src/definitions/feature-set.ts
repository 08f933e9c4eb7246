import Type, { type Static } from 'typebox';
import { closed, Identifier, Name, Schema, Tenant } from './fields.ts';

export const FeatureColumn = Type.Object(
  {
    name: Identifier,
    type: Type.Union([Type.Literal('number'), Type.Literal('category')]),
    description: Type.Optional(Type.String({ maxLength: 500 })),
    nullable: Type.Optional(Type.Boolean()),
    minimum: Type.Optional(Type.Number()),
    maximum: Type.Optional(Type.Number()),
  },
  closed,
);
export type FeatureColumn = Static<typeof FeatureColumn>;

/** Where rows and their past come from. The template reads them only through `{{ rows }}` and `{{ history(days) }}`. */
export const FeatureSet = Type.Object(
  {
    kind: Type.Literal('FeatureSet'),
    schema: Schema,
    name: Name,
    description: Type.Optional(Type.String({ maxLength: 2000 })),
    tenant: Type.Optional(Tenant),
    owner: Name,
    rows: Type.Object(
      {
        table: Identifier,
        identity: Type.Array(Identifier, { minItems: 1, maxItems: 8 }),
        columns: Type.Record(Identifier, Type.String({ maxLength: 100 }), {
          description: 'what is known of a row when it is scored, with ClickHouse types',
        }),
        label: Type.Object({ column: Identifier, type: Type.String({ maxLength: 100 }) }, closed),
      },
      closed,
    ),
    history: Type.Object(
      { table: Identifier, day: Identifier, daysMax: Type.Integer({ minimum: 1, maximum: 400 }) },
      { ...closed, description: 'a table with a day column; a window never reaches the day that is computed' },
    ),
    sql: Type.String({
      minLength: 1,
      maxLength: 20_000,
      description: 'templated SELECT: one row per row of {{ rows }}',
    }),
    features: Type.Array(FeatureColumn, { minItems: 1, maxItems: 1000 }),
  },
  { ...closed, $id: 'https://orrery.dev/schema/feature-set.json', title: 'FeatureSet' },
);
export type FeatureSet = Static<typeof FeatureSet>;
