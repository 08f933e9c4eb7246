import type { PathProblem } from '../schema-problems.ts';
import { columnBounds, nearest, planColumns } from './pipeline-columns.ts';
import type { Column, Pipeline } from './pipeline.ts';
import { parseDay, parseTimestamp } from './wall-time.ts';

/** What the schema can't tell of a pipeline: columns that must exist at a step, bounds, patterns, datasets named twice. */
export function checkPipeline(pipeline: Pipeline): PathProblem[] {
  return [
    ...checkDatasets(pipeline),
    ...Object.entries(pipeline.contract.columns).flatMap(([name, column]) => checkColumn(name, column)),
    ...checkRules(pipeline),
    ...planColumns(pipeline).problems,
  ];
}

function checkDatasets(pipeline: Pipeline): PathProblem[] {
  const places = [
    ...pipeline.source.files.map(({ dataset }, index) => ({ dataset, path: ['source', 'files', index, 'dataset'] })),
    ...(pipeline.lookups ?? []).map(({ dataset }, index) => ({ dataset, path: ['lookups', index, 'dataset'] })),
  ];
  return places.flatMap(({ dataset, path }, index) => {
    if (places.findIndex((place) => place.dataset === dataset) === index) return [];
    const message = `the dataset "${dataset}" stands here a second time`;
    return [{ path, message, hint: 'a dataset is read once: delete one' }];
  });
}

function checkColumn(name: string, column: Column): PathProblem[] {
  const path = ['contract', 'columns', name];
  if (column.type === 'string') return checkPattern(path, column.pattern);
  const unreadable = checkTimes(path, column);
  const [minimum, maximum] = columnBounds(column);
  if (minimum === undefined || maximum === undefined || minimum <= maximum) return unreadable;
  const message = `the column "${name}" has no possible value: its least is above its greatest`;
  return [...unreadable, { path, message, hint: 'exchange the two bounds' }];
}

function checkPattern(path: string[], pattern: string | undefined): PathProblem[] {
  if (pattern === undefined) return [];
  try {
    new RegExp(pattern, 'u');
    return [];
  } catch (error) {
    const message = `"${pattern}" is no regular expression: ${error instanceof Error ? error.message : String(error)}`;
    return [{ path: [...path, 'pattern'], message, hint: 'mend the pattern, for example ^[A-Z]{3}$' }];
  }
}

function checkTimes(path: string[], column: Column): PathProblem[] {
  if (column.type !== 'timestamp' && column.type !== 'day') return [];
  const [parse, example] = column.type === 'day' ? [parseDay, '2001-06-15'] : [parseTimestamp, '2001-06-15T17:30'];
  return (['from', 'to'] as const).flatMap((key) => {
    const text = column[key];
    if (text === undefined || parse(text) !== undefined) return [];
    return [{ path: [...path, key], message: `"${text}" is no ${column.type}`, hint: `write it as ${example}` }];
  });
}

function checkRules(pipeline: Pipeline): PathProblem[] {
  const columns = Object.keys(pipeline.contract.columns);
  return (pipeline.contract.rules ?? []).flatMap(({ different }, index) => {
    const path = ['contract', 'rules', index, 'different'];
    const unknown = different.flatMap((name, position) =>
      columns.includes(name)
        ? []
        : [{ path: [...path, position], message: `there is no column "${name}"`, hint: nearest(name, columns) }],
    );
    if (unknown.length > 0 || different[0] !== different[1]) return unknown;
    return [{ path, message: `the column "${different[0] ?? ''}" always equals itself`, hint: 'name two columns' }];
  });
}
