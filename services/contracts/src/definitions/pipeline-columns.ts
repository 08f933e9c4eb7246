import { closest } from 'fastest-levenshtein';
import type { PathProblem } from '../schema-problems.ts';
import type { Column, Pipeline, PipelineStep } from './pipeline.ts';
import { parseDay, parseTimestamp } from './wall-time.ts';

/** What is known of a column's values after a stage. Bounds of times are seconds, of days days since 1970. */
export interface ColumnShape {
  readonly type: Column['type'];
  readonly nullable: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
}

export type ColumnShapes = ReadonlyMap<string, ColumnShape>;

/** Columns that ingest itself adds to each row. */
export const reservedColumns = ['tenant', 'intake', 'file_digest', 'row_number', 'ttl_days', 'ingested_at'] as const;

/** The columns that come out of the last step, and every place where a step asks for what is not there. */
export function planColumns(pipeline: Pipeline): { columns: ColumnShapes; problems: PathProblem[] } {
  const problems: PathProblem[] = [];
  const columns = new Map<string, ColumnShape>();
  for (const [name, column] of Object.entries(pipeline.contract.columns)) columns.set(name, shapeOf(column));
  pipeline.steps.forEach((step, index) => {
    const report: Report = (path, message, hint) => {
      problems.push({ path: ['steps', index, 'with', ...path], message, hint });
    };
    applyStep(step, columns, { report, pipeline });
  });
  for (const name of reservedColumns) {
    if (!columns.has(name)) continue;
    const message = `a row ends with the column "${name}", which ingest adds itself`;
    problems.push({ path: ['contract', 'columns', name], message, hint: 'rename it in a normalise step' });
  }
  return { columns, problems };
}

type Report = (path: readonly (string | number)[], message: string, hint: string) => void;

interface Place {
  readonly report: Report;
  readonly pipeline: Pipeline;
}

function shapeOf(column: Column): ColumnShape {
  const nullable = column.required === false;
  if (column.type === 'string') return { type: column.type, nullable };
  const [minimum, maximum] = columnBounds(column);
  return {
    type: column.type,
    nullable,
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  };
}

/** The bounds as numbers; text that is no time or day counts as no bound. */
export function columnBounds(column: Column): [number | undefined, number | undefined] {
  if (column.type === 'integer' || column.type === 'number') return [column.minimum, column.maximum];
  if (column.type === 'string') return [undefined, undefined];
  const parse = column.type === 'timestamp' ? parseTimestamp : parseDay;
  return [column.from, column.to].map((text) => (text === undefined ? undefined : parse(text))) as [
    number | undefined,
    number | undefined,
  ];
}

function applyStep(step: PipelineStep, columns: Map<string, ColumnShape>, place: Place): void {
  switch (step.uses) {
    case 'normalise': {
      const { upperCase = [], rename = {} } = step.with;
      upperCase.forEach((name, position) => {
        take({ name, type: 'string', path: ['upperCase', position] }, columns, place);
      });
      applyRename(rename, columns, place);
      return;
    }
    case 'plan-departure': {
      const departure = take({ name: step.with.departure, type: 'timestamp', path: ['departure'] }, columns, place);
      const delay = take({ name: step.with.delayMinutes, type: 'integer', path: ['delayMinutes'] }, columns, place);
      const nullable = departure?.nullable === true || delay?.nullable === true;
      if (nullable)
        place.report([], 'departure and delay may be missing', 'make both columns required in the contract');
      add('day', plannedDay(departure, delay), columns, { path: [], place });
      add('scheduled_hour', { type: 'integer', nullable: false, minimum: 0, maximum: 23 }, columns, {
        path: [],
        place,
      });
      return;
    }
    case 'enrich':
      applyEnrich(step.with, columns, place);
  }
}

function applyRename(rename: Readonly<Record<string, string>>, columns: Map<string, ColumnShape>, place: Place): void {
  for (const [from, to] of Object.entries(rename)) {
    const shape = columns.get(from);
    if (shape === undefined) {
      place.report(['rename', from], `there is no column "${from}" at this step`, nearest(from, columns.keys()));
      continue;
    }
    columns.delete(from);
    add(to, shape, columns, { path: ['rename', from], place });
  }
}

type EnrichStep = Extract<PipelineStep, { uses: 'enrich' }>['with'];

function applyEnrich(step: EnrichStep, columns: Map<string, ColumnShape>, place: Place): void {
  const lookups = (place.pipeline.lookups ?? []).map((lookup) => lookup.dataset);
  if (!lookups.includes(step.lookup)) {
    place.report(['lookup'], `there is no lookup "${step.lookup}"`, nearest(step.lookup, lookups));
  }
  take({ name: step.key, type: 'string', path: ['key'] }, columns, place);
  for (const [name, type] of Object.entries(step.columns)) {
    const shape = { type, nullable: step.onMiss === 'empty' } as const;
    add(`${step.prefix}${name}`, shape, columns, { path: ['columns', name], place });
  }
}

function plannedDay(departure: ColumnShape | undefined, delay: ColumnShape | undefined): ColumnShape {
  const dayOf = (seconds: number, minutes: number) => Math.floor((seconds - minutes * 60) / 86_400);
  const { minimum: earliest, maximum: latest } = departure ?? {};
  const { minimum: least, maximum: most } = delay ?? {};
  return {
    type: 'day',
    nullable: false,
    ...(earliest === undefined || most === undefined ? {} : { minimum: dayOf(earliest, most) }),
    ...(latest === undefined || least === undefined ? {} : { maximum: dayOf(latest, least) }),
  };
}

/** What a step asks for: a column of a type, and where the definition names it. */
interface Wanted {
  readonly name: string;
  readonly type: Column['type'];
  readonly path: readonly (string | number)[];
}

function take(wanted: Wanted, columns: ColumnShapes, place: Place): ColumnShape | undefined {
  const { name, type, path } = wanted;
  const shape = columns.get(name);
  if (shape === undefined) {
    place.report(path, `there is no column "${name}" at this step`, nearest(name, columns.keys()));
  } else if (shape.type !== type) {
    place.report(path, `the column "${name}" is a ${shape.type}, this step needs a ${type}`, `name a ${type} column`);
  }
  return shape;
}

function add(
  name: string,
  shape: ColumnShape,
  columns: Map<string, ColumnShape>,
  at: { path: readonly (string | number)[]; place: Place },
): void {
  if (columns.has(name)) {
    at.place.report(at.path, `this step adds the column "${name}", which is there already`, 'rename one of the two');
  }
  columns.set(name, shape);
}

/** `did you mean "x"? there are: …`, for a name that is not among the known ones. */
export function nearest(name: string, known: Iterable<string>): string {
  const words = [...known];
  return words.length === 0
    ? 'there are none'
    : `did you mean "${closest(name, words)}"? there are: ${words.join(', ')}`;
}
