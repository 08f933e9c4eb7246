import type { Digest } from '@orrery/contracts/digest';
import type { Pair } from '@orrery/contracts/pair';
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
  const pair = digest === undefined ? undefined : (readDocument(digest, object) as Pair | undefined);
  const evidence = pair?.files[metricsFile];
  const bytes = evidence === undefined ? undefined : object(evidence);
  if (bytes === undefined) return null;
  const { metric, unit, model } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  const value = isFields(model) ? model['rmse'] : undefined;
  if (typeof metric !== 'string' || typeof unit !== 'string' || typeof value !== 'number') return null;
  return { metric, unit, value };
}
