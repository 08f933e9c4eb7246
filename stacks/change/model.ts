import { isDigest, type Digest } from '@orrery/contracts/digest';
import type { ModelChange, ModelMetric } from './change.ts';
import { namesOf, readDocument } from './service.ts';
import type { Context, Side } from './side.ts';
import { isFields } from './values.ts';

/** The pairs that score: which came, went or gave way to another. */
export function compareModels(base: Side | undefined, head: Side, { object }: Context): ModelChange[] {
  const [before, after] = [base?.release.live ?? {}, head.release.live];
  return namesOf(before, after).flatMap((model) => {
    const [from, to] = [before[model], after[model]];
    if (from === to) return [];
    const metric = { before: metricOf(from, object), after: metricOf(to, object) };
    return [{ model, pair: { before: from ?? null, after: to ?? null }, metric }];
  });
}

export const metricsFile = 'metrics.json';

/** What training measured, where the pair's evidence is at hand and has the known form. */
function metricOf(digest: Digest | undefined, object: Context['object']): ModelMetric | null {
  const pair = digest === undefined ? undefined : readDocument(digest, object);
  const evidence = pairFiles(pair)[metricsFile];
  const bytes = isDigest(evidence) ? object(evidence) : undefined;
  if (bytes === undefined) return null;
  const measured: unknown = JSON.parse(bytes.toString('utf8'));
  if (!isFields(measured) || !isFields(measured['model'])) return null;
  const { metric, unit, model } = measured;
  const value = isFields(model) ? model['rmse'] : undefined;
  if (typeof metric !== 'string' || typeof unit !== 'string' || typeof value !== 'number') return null;
  return { metric, unit, value };
}

/** The files of a pair's document; none where it is no such document. */
export function pairFiles(pair: unknown): Readonly<Record<string, unknown>> {
  return isFields(pair) && isFields(pair['files']) ? pair['files'] : {};
}
