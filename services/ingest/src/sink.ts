import { planColumns, type ColumnShape } from '@orrery/contracts/definitions/pipeline-columns';
import type { Pipeline } from '@orrery/contracts/definitions/pipeline';
import type { OutputColumn } from './batch.ts';
import { sinkMismatch } from './errors.ts';

export interface TableColumn {
  readonly name: string;
  readonly type: string;
}

/** Columns that ingest fills itself in every table; `ingested_at` has a default. */
const ownColumns = ['tenant', 'intake', 'file_digest', 'row_number', 'ttl_days', 'ingested_at'];

const wholeNumbers: Readonly<Record<string, readonly [number, number]>> = {
  Int8: [-128, 127],
  Int16: [-32_768, 32_767],
  Int32: [-2_147_483_648, 2_147_483_647],
  Int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  UInt8: [0, 255],
  UInt16: [0, 65_535],
  UInt32: [0, 4_294_967_295],
  UInt64: [0, Number.MAX_SAFE_INTEGER],
};

const dateTimeBounds = [0, 4_294_967_295] as const;
const dateBounds = [0, 65_535] as const;

/**
 * The columns to write, in the order of the table. Throws `SINK_MISMATCH` with everything that does not fit: ClickHouse itself wraps
 * numbers that are too large, turns null into a default and fills what is missing, all without a word.
 */
export function planSink(pipeline: Pipeline, table: readonly TableColumn[]): OutputColumn[] {
  const { columns } = planColumns(pipeline);
  const problems: string[] = [];
  if (table.length === 0) problems.push('there is no such table');
  for (const name of columns.keys()) {
    if (!table.some((column) => column.name === name)) problems.push(`the table has no column "${name}"`);
  }
  for (const name of ownColumns) {
    if (!table.some((column) => column.name === name))
      problems.push(`the table lacks "${name}", which every table has`);
  }
  const output: OutputColumn[] = [];
  for (const { name, type } of table) {
    if (ownColumns.includes(name)) continue;
    const shape = columns.get(name);
    if (shape === undefined) problems.push(`no step fills the column "${name}"`);
    else {
      problems.push(...misfits(name, shape, type));
      output.push({ name, shape });
    }
  }
  if (problems.length > 0) throw sinkMismatch(pipeline.sink.table, problems);
  return output;
}

function misfits(name: string, shape: ColumnShape, type: string): string[] {
  const nullable = /^(LowCardinality\()?Nullable\(/.test(type);
  const plain = type.replace(/^LowCardinality\((.*)\)$/, '$1').replace(/^Nullable\((.*)\)$/, '$1');
  const problems = shape.nullable && !nullable ? [`"${name}" may be empty, the table's ${type} can't be`] : [];
  const bounds = boundsOf(shape, plain);
  if (bounds === undefined) return [...problems, `"${name}" is a ${shape.type}, the table has ${type}`];
  const [least, most] = bounds;
  if ((shape.minimum ?? -Infinity) >= least && (shape.maximum ?? Infinity) <= most) return problems;
  const given = `${shape.minimum ?? 'without least'} to ${shape.maximum ?? 'without greatest'}`;
  return [...problems, `"${name}" is bounded ${given} by its contract, ${type} holds ${least} to ${most}`];
}

/** What a type of the table holds of a shape; undefined when it can't hold it at all. */
function boundsOf(shape: ColumnShape, type: string): readonly [number, number] | undefined {
  switch (shape.type) {
    case 'string':
      return type === 'String' ? [-Infinity, Infinity] : undefined;
    case 'integer':
      return wholeNumbers[type];
    case 'number':
      return type === 'Float64' ? [-Infinity, Infinity] : undefined;
    case 'timestamp':
      return type === 'DateTime' || type === "DateTime('UTC')" ? dateTimeBounds : undefined;
    case 'day':
      return type === 'Date' ? dateBounds : undefined;
  }
}
