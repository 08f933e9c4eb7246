import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import Type, { type Static } from 'typebox';
import { DigestField } from '@orrery/contracts/release';
import { messageOf } from '@orrery/kit/errors';
import type { ObjectStore } from '@orrery/kit/store';
import { evidenceInvalid } from './errors.ts';

const Interval = Type.Object({ point: Type.Number(), low: Type.Number(), high: Type.Number() });

const Errors = { rmse: Type.Number(), mae: Type.Number() };

/** The part of training's metrics.json that decides. */
const Metrics = Type.Object({
  metric: Type.String(),
  unit: Type.String(),
  model: Type.Object(Errors),
  split: Type.Object({ train: Type.Object({ rows: Type.Integer() }), test: Type.Object({ rows: Type.Integer() }) }),
  baselines: Type.Array(
    Type.Object({
      kind: Type.String(),
      by: Type.Optional(Type.Array(Type.String())),
      ...Errors,
      squaredErrorDifference: Interval,
      beats: Type.Boolean(),
    }),
    { minItems: 1 },
  ),
});

/** The part of training's parity.json that decides; its rows are what scoring asks the export again. */
const Parity = Type.Object({
  rows: Type.Array(Type.Array(Type.Unknown())),
  predictions: Type.Array(Type.Number()),
  tolerance: Type.Number(),
  maxDifference: Type.Number(),
  certifies: Type.Object({ 'model.onnx': DigestField, 'spec.json': DigestField }),
});

/** A baseline and how the model compares: the difference in mean squared error, negative where the model is better. */
export interface Baseline {
  readonly name: string;
  readonly value: number;
  readonly difference: Static<typeof Interval>;
  readonly beats: boolean;
}

/** Numbers as training measured them: nothing here is computed again. */
export interface Evidence {
  readonly metrics: {
    readonly metric: string;
    readonly unit: string;
    readonly value: number;
    readonly trainRows: number;
    readonly testRows: number;
    readonly baselines: readonly Baseline[];
  };
  readonly parity: {
    readonly rows: number;
    readonly tolerance: number;
    readonly maxDifference: number;
    readonly model: string;
    readonly spec: string;
  };
}

const ajv = new Ajv2020({ allErrors: true, strict: false });
const checkMetrics = ajv.compile(Metrics);
const checkParity = ajv.compile(Parity);

/** Reads what training measured, from the store and nowhere else. Throws `EVIDENCE_INVALID` naming the file and the field. */
export async function readEvidence(store: ObjectStore, outputs: Readonly<Record<string, string>>): Promise<Evidence> {
  for (const [name, digest] of Object.entries(outputs)) {
    if (digest === '' || !(await store.has(digest))) {
      throw evidenceInvalid(
        `training left no ${name}`,
        'every pair has model.onnx, spec.json, metrics.json, parity.json, profile.json',
      );
    }
  }
  const metrics = await readJson(store, 'metrics.json', outputs['metrics.json'] ?? '', checkMetrics);
  const parity = await readJson(store, 'parity.json', outputs['parity.json'] ?? '', checkParity);
  return { metrics: metricsOf(metrics as Static<typeof Metrics>), parity: parityOf(parity as Static<typeof Parity>) };
}

function metricsOf(metrics: Static<typeof Metrics>): Evidence['metrics'] {
  return {
    metric: metrics.metric,
    unit: metrics.unit,
    value: metrics.model.rmse,
    trainRows: metrics.split.train.rows,
    testRows: metrics.split.test.rows,
    baselines: metrics.baselines.map((baseline) => ({
      name: baseline.by === undefined ? baseline.kind : `${baseline.kind} by ${baseline.by.join(' x ')}`,
      value: baseline.rmse,
      difference: baseline.squaredErrorDifference,
      beats: baseline.beats,
    })),
  };
}

function parityOf(parity: Static<typeof Parity>): Evidence['parity'] {
  return {
    rows: Math.min(parity.rows.length, parity.predictions.length),
    tolerance: parity.tolerance,
    maxDifference: parity.maxDifference,
    model: parity.certifies['model.onnx'],
    spec: parity.certifies['spec.json'],
  };
}

async function readJson(store: ObjectStore, name: string, digest: string, check: ValidateFunction): Promise<unknown> {
  let document: unknown;
  try {
    document = JSON.parse((await store.get(digest)).toString('utf8'));
  } catch (cause) {
    throw evidenceInvalid(`${name} can't be read: ${messageOf(cause)}`, 'train again');
  }
  if (check(document)) return document;
  const [first] = check.errors ?? [];
  throw evidenceInvalid(
    `${name}${first?.instancePath ?? ''} ${first?.message ?? 'is not valid'}`,
    "see the training package's README",
  );
}
