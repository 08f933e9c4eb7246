import { parseDocument } from '@orrery/contracts/digest';
import type { Pair } from '@orrery/contracts/pair';
import type { ObjectStore } from '@orrery/kit/store';
import { encodeRows, readSpec, type Spec } from './encoding.ts';
import { pairBroken, parityBroken } from './errors.ts';
import { loadOnnx, type Predictor } from './onnx.ts';

/** The rows by which training certified its export, with the trained model's own answers. */
interface Certificate {
  readonly tolerance: number;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly predictions: readonly number[];
}

/** A pair that was loaded and whose export answered its certificate. */
export interface LivePair {
  readonly model: string;
  readonly digest: string;
  readonly document: Pair;
  readonly spec: Spec;
  readonly parity: { readonly rows: number; readonly maxDifference: number; readonly tolerance: number };
  predict(rows: readonly Readonly<Record<string, unknown>>[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Loads a pair from the store, where every byte is checked against its digest, and asks its export the rows of its certificate.
 * Throws `OBJECT_CORRUPT`, `PAIR_BROKEN` or `PARITY_BROKEN`: such a pair is never served.
 */
export async function loadPair(store: ObjectStore, digest: string, threads: number): Promise<LivePair> {
  const document = parseDocument((await store.get(digest)).toString('utf8')) as Pair;
  const file = async (name: string) => {
    const object = document.files[name];
    if (object === undefined) throw pairBroken(digest, `it has no ${name}`);
    return store.get(object);
  };
  const spec = readSpec(digest, JSON.parse((await file('spec.json')).toString('utf8')));
  const certificate = JSON.parse((await file('parity.json')).toString('utf8')) as Certificate;
  const predictor = await loadOnnx(digest, await file('model.onnx'), threads);
  const predict = predictorOf(predictor, spec);
  const maxDifference = await assertParity(digest, certificate, predict);
  return {
    model: document.model,
    digest,
    document,
    spec,
    parity: { rows: certificate.rows.length, maxDifference, tolerance: certificate.tolerance },
    predict,
    close: () => predictor.close(),
  };
}

function predictorOf(predictor: Predictor, spec: Spec): LivePair['predict'] {
  return async (rows) => predictor.run(encodeRows(spec, rows), rows.length, spec.inputs.length);
}

/** The largest difference between the export here and the trained model, within the tolerance. */
async function assertParity(digest: string, certificate: Certificate, predict: LivePair['predict']): Promise<number> {
  const { columns, rows, predictions, tolerance } = certificate;
  const named = rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])));
  const answers = await predict(named);
  let maxDifference = 0;
  predictions.forEach((expected, index) => {
    const got = answers[index] ?? Number.NaN;
    const difference = Math.abs(got - expected);
    if (!(difference <= tolerance)) throw parityBroken(digest, { row: index, expected, got, tolerance });
    maxDifference = Math.max(maxDifference, difference);
  });
  return maxDifference;
}
