import type { Pipeline } from '@orrery/contracts/definitions/pipeline';
import { Fault, splitBatch, type Batch, type RawBatch, type StageResult, type Value } from './batch.ts';
import { createValueCheck, type TimeForm } from './value-check.ts';

export type Contract = Pipeline['contract'];

/**
 * The first stage: every value against its column, then the rules over two columns. A row is rejected for the first thing wrong with
 * it: the row as a whole, the columns in the order of the contract, the rules.
 */
export function createValidation(contract: Contract, times: TimeForm): (raw: RawBatch) => StageResult {
  const checks = Object.entries(contract.columns).map(([name, column]) => ({
    name,
    check: createValueCheck(name, column, times),
  }));
  return (raw) => {
    const faults = new Map(raw.faults);
    const columns = new Map<string, Value[]>();
    for (const { name, check } of checks) {
      const given = raw.columns.get(name);
      const values = new Array<Value>(raw.rows);
      for (let row = 0; row < raw.rows; row += 1) {
        const value = check(given?.[row]);
        if (!(value instanceof Fault)) values[row] = value;
        else if (!faults.has(row)) faults.set(row, value);
      }
      columns.set(name, values);
    }
    checkRules(contract, columns, faults);
    const batch: Batch = { raw, positions: Array.from({ length: raw.rows }, (_, row) => row), columns };
    return splitBatch(batch, faults);
  };
}

function checkRules(
  contract: Contract,
  columns: ReadonlyMap<string, readonly Value[]>,
  faults: Map<number, Fault>,
): void {
  for (const { name, different } of contract.rules ?? []) {
    const [first = '', second = ''] = different;
    const left = columns.get(first) ?? [];
    const right = columns.get(second) ?? [];
    for (let row = 0; row < left.length; row += 1) {
      const value = left[row];
      if (value !== right[row] || value === undefined || value === null || faults.has(row)) continue;
      faults.set(row, new Fault(name, second, value, `"${first}" and "${second}" are both ${String(value)}`));
    }
  }
}
