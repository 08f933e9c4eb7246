import Type, { type Static } from 'typebox';
import type { Digest } from '@orrery/contracts/digest';
import type { Model } from '@orrery/contracts/definitions/model';
import type { Pair } from '@orrery/contracts/pair';
import { DigestField } from '@orrery/contracts/release';
import type { ObjectStore } from '@orrery/kit/store';
import { keepDocument } from './documents.ts';
import { readEvidence, type Evidence } from './evidence.ts';
import type { DefinedModel } from './models.ts';

/** What a training workflow hands over: the results of its steps as they are. */
export const Registration = Type.Object(
  {
    model: Type.String(),
    training: Type.Object({
      outputs: Type.Record(Type.String(), DigestField),
      program: DigestField,
    }),
    dataset: Type.Object({
      featureSet: Type.String(),
      fingerprint: DigestField,
      dataset: DigestField,
      rows: Type.Integer({ minimum: 0 }),
      from: Type.String(),
      to: Type.String(),
    }),
  },
  { additionalProperties: false },
);
export type Registration = Static<typeof Registration>;

export interface JudgedBy {
  readonly tenant: string;
  readonly model: DefinedModel;
  readonly parityRowsMin: number;
}

export interface Judged {
  readonly pair: Digest;
  readonly evidence: Evidence;
  /** Why the pair may not go live; empty when it may. */
  readonly reasons: readonly string[];
}

const files = ['model.onnx', 'spec.json', 'metrics.json', 'parity.json', 'profile.json'] as const;

/** Makes the pair out of what training left in the store, and judges it by the gates of its model's definition. */
export async function judge(store: ObjectStore, registration: Registration, by: JudgedBy): Promise<Judged> {
  const { definition } = by.model;
  const { training, dataset } = registration;
  const outputs = Object.fromEntries(files.map((name) => [name, training.outputs[name] ?? '']));
  const evidence = await readEvidence(store, outputs);
  const pair: Pair = {
    schema: 1,
    tenant: by.tenant,
    model: definition.name,
    modelDefinition: await keepDocument(store, 'definition', definition),
    featureSet: { name: dataset.featureSet, fingerprint: dataset.fingerprint },
    files: outputs as Pair['files'],
    lineage: {
      dataset: dataset.dataset,
      datasetRows: dataset.rows,
      featureDays: { from: dataset.from, to: dataset.to, fingerprint: dataset.fingerprint },
      program: training.program,
    },
  };
  const reasons = [
    ...featureReasons(definition, dataset.featureSet),
    ...parityReasons(evidence, outputs, definition, by.parityRowsMin),
    ...baselineReasons(evidence, definition),
  ];
  return { pair: await keepDocument(store, 'pair', pair), evidence, reasons };
}

function featureReasons(definition: Model, featureSet: string): string[] {
  return definition.featureSet === featureSet
    ? []
    : [`it was trained on ${featureSet}, its definition says ${definition.featureSet}`];
}

function parityReasons(
  evidence: Evidence,
  outputs: Record<string, string>,
  definition: Model,
  rowsMin: number,
): string[] {
  const { parity } = evidence;
  const reasons: string[] = [];
  if (parity.model !== outputs['model.onnx']) reasons.push('the parity certificate is of another export');
  if (parity.spec !== outputs['spec.json']) reasons.push('the parity certificate is of another input specification');
  if (parity.rows < rowsMin) reasons.push(`the parity certificate covers ${parity.rows} rows, ${rowsMin} are asked`);
  if (parity.maxDifference > Math.min(parity.tolerance, definition.parity.tolerance)) {
    reasons.push(
      `the export differs from the trained model by ${parity.maxDifference}, ${definition.parity.tolerance} is tolerated`,
    );
  }
  return reasons;
}

function baselineReasons(evidence: Evidence, definition: Model): string[] {
  if (!definition.gates.beatsBaselines) return [];
  const missing = definition.baselines.length - evidence.metrics.baselines.length;
  const unbeaten = evidence.metrics.baselines.filter((baseline) => !baseline.beats);
  return [
    ...(missing > 0 ? [`${missing} baselines were not measured`] : []),
    ...unbeaten.map(
      ({ name, difference: { low, high } }) => `it does not beat ${name}: the interval is [${low}, ${high}]`,
    ),
  ];
}
