import Type, { type Static } from 'typebox';
import { closed, Name, Tenant } from './definitions/fields.ts';
import { DigestField } from './release.ts';

/** How a raw feature row becomes the float32 vector that the exported model takes. Written by training, read by scoring. */
export const InputSpec = Type.Object(
  {
    name: Type.String(),
    type: Type.Union([Type.Literal('number'), Type.Literal('category')]),
  },
  { additionalProperties: true },
);

/**
 * A pair: a model and the feature set it reads, registered together as one immutable unit and named by the digest of this
 * document (`digestOf('pair', …)`). Every file is an object of the store.
 */
export const Pair = Type.Object(
  {
    schema: Type.Literal(1),
    tenant: Tenant,
    model: Name,
    modelDefinition: DigestField,
    featureSet: Type.Object({ name: Name, fingerprint: DigestField }, closed),
    files: Type.Record(Type.String({ pattern: '^[a-z0-9.-]+$' }), DigestField, {
      description: 'model.onnx, spec.json, metrics.json, parity.json, profile.json',
    }),
    lineage: Type.Object(
      {
        dataset: DigestField,
        datasetRows: Type.Integer({ minimum: 0 }),
        featureDays: Type.Object({ from: Type.String(), to: Type.String(), fingerprint: DigestField }, closed),
        program: DigestField,
      },
      { ...closed, description: 'program: the training bundle by which the pair was made, its Python lock included' },
    ),
  },
  { ...closed, $id: 'https://orrery.dev/schema/pair.json', title: 'Pair' },
);
export type Pair = Static<typeof Pair>;

export const PairStage = Type.Union([
  Type.Literal('registered'),
  Type.Literal('staged'),
  Type.Literal('live'),
  Type.Literal('archived'),
  Type.Literal('rejected'),
]);
export type PairStage = Static<typeof PairStage>;
