import { createHash } from 'node:crypto';
import type { FeatureSet } from '@orrery/contracts/definitions/feature-set';
import type { Template } from './template.ts';

/** A small table of the past, summed by day and some keys, from which windows are read instead of from the whole history. */
export interface HistoryTable {
  readonly name: string;
  /** The table that it is a sum of. */
  readonly source: string;
  readonly sourceDay: string;
  readonly keys: readonly { readonly name: string; readonly type: string }[];
  readonly measures: readonly { readonly name: string; readonly type: string }[];
}

/**
 * The fewest tables that answer every window: one for each set of keys that is part of no other. A name tells what is inside, and
 * ends in a hash of the structure: feature sets share a table, and a change of structure makes another one.
 */
export function planHistoryTables(set: FeatureSet, { windows }: Template): HistoryTable[] {
  const wanted = windows.map(({ keys }) => set.history.keys.filter((key) => keys.includes(key)));
  const distinct = wanted.filter((keys, index) => wanted.findIndex((other) => sameKeys(other, keys)) === index);
  const largest = distinct.filter((keys) => !distinct.some((other) => other !== keys && contains(other, keys)));
  return largest.map((keys) => describeTable(set, keys));
}

function contains(outer: readonly string[], inner: readonly string[]): boolean {
  return inner.every((key) => outer.includes(key));
}

function sameKeys(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && contains(left, right);
}

function describeTable({ rows, history }: FeatureSet, keyNames: readonly string[]): HistoryTable {
  const keys = keyNames.map((name) => ({ name, type: rows.columns[name] ?? 'String' }));
  const measures = Object.entries(history.measures).map(([name, type]) => ({ name, type }));
  const structure = JSON.stringify([history.table, history.day, keys, measures]);
  const hash = createHash('sha256').update(structure).digest('hex').slice(0, 8);
  const by = keyNames.length === 0 ? 'day' : keyNames.join('_');
  return { name: `history_by_${by}_${hash}`, source: history.table, sourceDay: history.day, keys, measures };
}
