import Type, { type Static } from 'typebox';
import { closed, Day, Identifier, Name, Schema, Tenant } from './fields.ts';

const Period = Type.Object({ from: Day, to: Day }, closed);

export const Model = Type.Object(
  {
    kind: Type.Literal('Model'),
    schema: Schema,
    name: Name,
    tenant: Type.Optional(Tenant),
    owner: Name,
    task: Type.Literal('regression'),
    target: Type.Object(
      { column: Identifier, unit: Type.String({ maxLength: 40 }), description: Type.String({ maxLength: 1000 }) },
      closed,
    ),
    known: Type.String({ maxLength: 2000, description: 'what is known at the moment of prediction' }),
    featureSet: Name,
    features: Type.Array(
      Type.Object({ name: Identifier, type: Type.Union([Type.Literal('number'), Type.Literal('category')]) }, closed),
      {
        minItems: 1,
        maxItems: 1000,
      },
    ),
    framework: Type.Literal('scikit-learn'),
    estimator: Type.String({ maxLength: 100 }),
    parameters: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()])),
    ),
    seed: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
    split: Type.Object({ by: Type.Literal('day'), train: Period, test: Period }, closed),
    sampling: Type.Optional(Type.Object({ trainRowsMax: Type.Integer({ minimum: 1000 }) }, closed)),
    baselines: Type.Array(
      Type.Union([
        Type.Object({ kind: Type.Literal('mean') }, closed),
        Type.Object(
          { kind: Type.Literal('group-mean'), by: Type.Array(Identifier, { minItems: 1, maxItems: 4 }) },
          closed,
        ),
      ]),
      { minItems: 1, maxItems: 8 },
    ),
    metric: Type.Literal('rmse'),
    gates: Type.Object(
      {
        beatsBaselines: Type.Boolean(),
        bootstrap: Type.Object(
          {
            resamples: Type.Integer({ minimum: 100, maximum: 100_000 }),
            confidence: Type.Number({ exclusiveMinimum: 0.5, exclusiveMaximum: 1 }),
            block: Type.Literal('day'),
          },
          closed,
        ),
      },
      closed,
    ),
    parity: Type.Object(
      {
        rows: Type.Integer({ minimum: 1000, maximum: 100_000 }),
        tolerance: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
      },
      closed,
    ),
    resources: Type.Object(
      {
        memoryMiB: Type.Integer({ minimum: 256 }),
        timeoutSeconds: Type.Integer({ minimum: 10, maximum: 86_400 }),
        threads: Type.Integer({ minimum: 1, maximum: 256 }),
      },
      closed,
    ),
    card: Type.Object(
      {
        intendedUse: Type.String({ maxLength: 2000 }),
        outOfScope: Type.String({ maxLength: 2000 }),
        limits: Type.String({ maxLength: 4000 }),
        dataSource: Type.String({ maxLength: 2000 }),
        contact: Type.String({ maxLength: 200 }),
      },
      closed,
    ),
  },
  { ...closed, $id: 'https://orrery.dev/schema/model.json', title: 'Model' },
);
export type Model = Static<typeof Model>;
