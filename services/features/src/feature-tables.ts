import type { FeatureColumn } from '@orrery/contracts/definitions/feature-set';
import { isRetryable } from '@orrery/kit/errors';
import type { CompiledFeatureSet } from './compiler.ts';
import type { Database } from './database.ts';
import { layOut } from './emission.ts';
import { columnsDiffer, sourceMissing, sqlRefused } from './errors.ts';
import { stagingPrefix } from './history.ts';
import { fillStatement, type Statements } from './statements.ts';

/** What a feature is as a column: never LowCardinality in a SELECT, so that what is declared is what comes out. */
export function featureType(feature: FeatureColumn): string {
  return feature.type === 'number' ? 'Nullable(Float32)' : 'Nullable(String)';
}

/** The columns of a partition in order: the day, what names a row, the label, the features. */
export function storedColumns({ definition }: CompiledFeatureSet): string[] {
  const { rows, features } = definition;
  return [...carriedColumns(definition.rows), rows.label.column, ...features.map(({ name }) => name)];
}

function carriedColumns(rows: CompiledFeatureSet['definition']['rows']): string[] {
  return [rows.day, ...rows.identity];
}

/** The compiled SELECT over rows of the source table, with what names a row and its label beside the features. */
export function selectStoredRows(set: CompiledFeatureSet, statements: Statements): string {
  const { rows } = set.definition;
  const carried = [...carriedColumns(rows), rows.label.column];
  const columns = [...new Set([...carried, ...Object.keys(rows.columns)])].join(', ');
  const source = fillStatement(statements, 'select_source_rows', { columns, table: rows.table, day: rows.day });
  return layOut(set.parts, { rows: source.trim(), carried, restricted: false });
}

/** The same SELECT over rows that come as parameters `row_<column>`, one array each, and their keys as `of_<key>`. */
export function selectGivenRows(set: CompiledFeatureSet, statements: Statements): string {
  const { rows } = set.definition;
  const columns = Object.entries(rows.columns);
  const arrays = columns.map(([name, type]) => `{row_${name}:Array(${type})} AS ${name}`);
  const source = fillStatement(statements, 'select_given_rows', {
    columns: columns.map(([name]) => name).join(', '),
    arrays: arrays.join(', '),
    first: `{row_${rows.day}:Array(Date)}`,
  });
  return layOut(set.parts, { rows: source.trim(), carried: ['position'], restricted: true });
}

/** Parameters by which a compiled SELECT is described, with a row of each type's zero. */
export function describeParams({ definition }: CompiledFeatureSet): Record<string, unknown> {
  const { rows, history } = definition;
  const zero = (type: string | undefined) => (type === 'String' ? '' : type === 'Date' ? '2001-01-01' : 0);
  const given = Object.entries(rows.columns).map(([name, type]) => [`row_${name}`, [zero(type)]] as const);
  const keys = history.keys.map((key) => [`of_${key}`, [zero(rows.columns[key])]] as const);
  return { tenant: 'main', days: ['2001-01-01'], ...Object.fromEntries([...given, ...keys]) };
}

/** Asks the engine what the compiled SELECT would give. Throws `COLUMNS_DIFFER` or `FEATURE_SQL_REFUSED`. */
export async function checkColumns(database: Database, set: CompiledFeatureSet, statements: Statements): Promise<void> {
  const select = selectGivenRows(set, statements);
  const described = { fills: { select }, params: describeParams(set) };
  const columns = await database
    .rows<{ name: string; type: string }>('describe_select', described)
    .catch((error: unknown) => {
      throw isRetryable(error) ? error : sqlRefused(set.definition.name, error);
    });
  const found = new Map(columns.map(({ name, type }) => [name, type]));
  const problems = set.definition.features
    .filter((feature) => found.get(feature.name) !== featureType(feature))
    .map(
      (feature) => `${feature.name} is ${found.get(feature.name) ?? 'missing'}, declared as ${featureType(feature)}`,
    );
  if (problems.length > 0) throw columnsDiffer(problems);
}

/** Makes the table of the partitions, with the types that rows have where they come from. Throws `SOURCE_MISSING`. */
export async function ensureFeatureTable(database: Database, set: CompiledFeatureSet): Promise<void> {
  const { rows, features } = set.definition;
  const types = await readSourceTypes(database, set);
  const source = [...carriedColumns(rows), rows.label.column].map((name) => `${name} ${types.get(name) ?? 'String'}`);
  const computed = features.map((feature) => {
    const type = feature.type === 'number' ? 'Nullable(Float32)' : 'LowCardinality(Nullable(String))';
    return `${feature.name} ${type}`;
  });
  const columns = [...source, ...computed].join(',\n    ');
  const fills = { table: set.table, columns, day: rows.day, identity: rows.identity.join(', ') };
  await database.run('create_feature_table', { fills });
}

/** The types of the columns that the definition names. Throws `SOURCE_MISSING` when the table or one of them isn't there. */
export async function readSourceTypes(
  database: Database,
  { definition }: CompiledFeatureSet,
): Promise<Map<string, string>> {
  const { rows, history } = definition;
  const tables = [rows.table, history.table];
  const found = await database.rows<{ table: string; name: string; type: string }>('select_columns', {
    params: { tables },
  });
  const wanted: Record<string, string[]> = {
    [rows.table]: ['tenant', ...carriedColumns(rows), rows.label.column, ...Object.keys(rows.columns)],
    [history.table]: ['tenant', history.day, ...history.keys, ...Object.keys(history.measures)],
  };
  for (const [table, names] of Object.entries(wanted)) {
    const there = found.filter((column) => column.table === table).map(({ name }) => name);
    const missing = there.length === 0 ? [] : names.filter((name) => !there.includes(name));
    if (there.length === 0 || missing.length > 0) throw sourceMissing(table, missing);
  }
  return new Map(found.filter(({ table }) => table === rows.table).map(({ name, type }) => [name, type]));
}

/** The types of a table's columns. */
export async function readTypes(database: Database, table: string): Promise<Map<string, string>> {
  const columns = await database.rows<{ name: string; type: string }>('select_columns', {
    params: { tables: [table] },
  });
  return new Map(columns.map(({ name, type }) => [name, type]));
}

/** Removes staging tables that a killed process left behind. */
export async function dropOldStaging(database: Database, ageSeconds: number): Promise<void> {
  const params = { prefix: stagingPrefix, ageSeconds };
  const tables = await database.rows<{ name: string }>('select_old_staging_tables', { params });
  for (const { name } of tables) await database.run('drop_table', { fills: { table: name } });
}
