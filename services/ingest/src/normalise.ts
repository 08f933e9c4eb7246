import type { PipelineStep } from '@orrery/contracts/definitions/pipeline';
import { columnOf, type Batch, type Stage, type Value } from './batch.ts';

type Settings = Extract<PipelineStep, { uses: 'normalise' }>['with'];

/** Spells values and columns one way, so that later steps find them. It rejects nothing. */
export function createNormalisation(settings: Settings): Stage {
  return (batch) => {
    const columns = new Map<string, readonly Value[]>(batch.columns);
    for (const name of settings.upperCase ?? []) columns.set(name, upperCase(columnOf(batch, name)));
    for (const [from, to] of Object.entries(settings.rename ?? {})) {
      const values = columns.get(from) ?? [];
      columns.delete(from);
      columns.set(to, values);
    }
    const normalised: Batch = { raw: batch.raw, positions: batch.positions, columns };
    return { batch: normalised, rejects: [] };
  };
}

function upperCase(values: readonly Value[]): Value[] {
  return values.map((value) => (typeof value === 'string' ? value.toUpperCase() : value));
}
