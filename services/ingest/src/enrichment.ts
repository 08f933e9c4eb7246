import type { PipelineStep } from '@orrery/contracts/definitions/pipeline';
import { columnOf, Fault, splitBatch, type Stage, type Value } from './batch.ts';
import type { Lookup } from './lookup.ts';

type Settings = Extract<PipelineStep, { uses: 'enrich' }>['with'];

/** Adds to each row what a lookup knows of its key. A key that the lookup lacks rejects the row or leaves nulls, as the step says. */
export function createEnrichment(settings: Settings, lookup: Lookup): Stage {
  const names = Object.keys(settings.columns);
  const places = names.map((name) => lookup.columns.indexOf(name));
  return (batch) => {
    const keys = columnOf(batch, settings.key);
    const added = names.map(() => new Array<Value>(keys.length));
    const faults = new Map<number, Fault>();
    for (let row = 0; row < keys.length; row += 1) {
      const found = lookup.find(keys[row] ?? null);
      if (found === undefined && settings.onMiss === 'reject') faults.set(row, missOf(settings, keys[row]));
      for (let column = 0; column < places.length; column += 1) {
        const values = added[column];
        if (values !== undefined) values[row] = found?.[places[column] ?? 0] ?? null;
      }
    }
    const columns = new Map(batch.columns);
    names.forEach((name, column) => columns.set(`${settings.prefix}${name}`, added[column] ?? []));
    return splitBatch({ raw: batch.raw, positions: batch.positions, columns }, faults);
  };
}

function missOf(settings: Settings, key: Value | undefined): Fault {
  const reason = `"${settings.key}" is ${String(key)}, which ${settings.lookup} does not hold`;
  return new Fault(`not_in_${settings.lookup.replaceAll('-', '_')}`, settings.key, key ?? null, reason);
}
