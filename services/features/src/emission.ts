import type { FeatureColumn, FeatureSet } from '@orrery/contracts/definitions/feature-set';
import { expressionWords } from './functions.ts';
import type { HistoryTable } from './history-tables.ts';
import type { Template, TemplateItem, TemplateWindow } from './template.ts';

/** The windows over the same columns, which one join answers: `origin` of 1, 7 and 28 days are one pass over the past. */
interface Join {
  readonly name: string;
  readonly keys: readonly string[];
  readonly windows: readonly TemplateWindow[];
  readonly table: HistoryTable;
  /** The measures that some feature reads of some of the windows. */
  readonly measures: readonly string[];
}

/** The parts that a compiled SELECT is laid together from; the rest depends on where the rows come from. */
export interface CompiledSql {
  /** `<expression> AS <feature>`, in the order of declaration. */
  readonly features: readonly string[];
  /** The LEFT JOINs that bring each row its past. */
  readonly joins: readonly EmittedJoin[];
}

/** A join, and between its two halves the place for a restriction to keys that the rows have. */
interface EmittedJoin {
  readonly head: string;
  readonly restriction: string;
  readonly tail: string;
}

/** Where the rows of a SELECT come from, and what else comes out. */
export interface Layout {
  readonly rows: string;
  /** Columns of the rows that come out beside the features. */
  readonly carried: readonly string[];
  /**
   * Whether the past is restricted to the keys given as `of_<key>`: for few rows that leaves most of it unread, and nothing
   * that a row would find.
   */
  readonly restricted: boolean;
}

/** Writes the SELECT that a template means. Its parameters are `tenant` and `days`, the days of the rows. */
export function emitSql(set: FeatureSet, template: Template, tables: readonly HistoryTable[]): CompiledSql {
  const joins = planJoins(template, tables);
  const features = set.features.flatMap((feature) => {
    const item = template.items.find(({ name }) => name === feature.name);
    return item === undefined ? [] : [emitFeature(feature, item, joins)];
  });
  return { features, joins: joins.map((join) => emitJoin(set, join)) };
}

/** Lays a SELECT together. */
export function layOut(sql: CompiledSql, { rows, carried, restricted }: Layout): string {
  const columns = [...carried.map((column) => `row.${column} AS ${column}`), ...sql.features];
  const joins = sql.joins.map(({ head, restriction, tail }) => `${head}${restricted ? restriction : ''}${tail}`);
  return [`SELECT\n  ${columns.join(',\n  ')}`, `FROM ${rows} AS row`, ...joins].join('\n');
}

function planJoins(template: Template, tables: readonly HistoryTable[]): Join[] {
  const joins: Join[] = [];
  for (const window of template.windows) {
    if (joins.some(({ keys }) => sameSet(keys, window.keys))) continue;
    const { keys } = window;
    const table = tables.find((each) => keys.every((key) => each.keys.some(({ name }) => name === key)));
    if (table === undefined) throw new TypeError(`no history is kept by ${keys.join(', ')}`);
    const windows = template.windows.filter((other) => sameSet(other.keys, keys));
    const measures = table.measures.map(({ name }) => name).filter((measure) => isRead(template, windows, measure));
    joins.push({ name: `past_${joins.length + 1}`, keys, windows, table, measures });
  }
  return joins;
}

function isRead({ items }: Template, windows: readonly TemplateWindow[], measure: string): boolean {
  return items.some(({ expression }) =>
    expression.some(({ text }, index) => {
      const [dot, column] = expression.slice(index + 1, index + 3);
      return dot?.text === '.' && column?.text === measure && windows.some(({ alias }) => alias === text);
    }),
  );
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item) => right.includes(item));
}

function emitFeature(feature: FeatureColumn, item: TemplateItem, joins: readonly Join[]): string {
  const expression = emitExpression(item, joins);
  if (feature.type === 'category') return `toNullable(toString(${expression})) AS ${feature.name}`;
  const value = `value_${feature.name}`;
  return `if(isFinite(toFloat32(${expression}) AS ${value}), ${value}, NULL) AS ${feature.name}`;
}

function emitExpression({ expression }: TemplateItem, joins: readonly Join[]): string {
  const words: string[] = [];
  for (let index = 0; index < expression.length; index += 1) {
    const token = expression[index];
    const next = expression[index + 1];
    if (token === undefined) break;
    if (token.kind === 'word' && next?.text === '.') {
      words.push(emitMeasure(token.text, expression[index + 2]?.text ?? '', joins));
      index += 2;
    } else if (token.kind === 'word' && next?.text !== '(' && !expressionWords.has(token.text.toUpperCase())) {
      words.push(`row.${token.text}`);
    } else {
      words.push(token.text);
    }
  }
  return words.join(' ');
}

function emitMeasure(alias: string, measure: string, joins: readonly Join[]): string {
  for (const join of joins) {
    const window = join.windows.find((each) => each.alias === alias);
    if (window !== undefined) return `${join.name}.${measureColumn(measure, window.days)}`;
  }
  throw new TypeError(`no window is called ${alias}`);
}

function measureColumn(measure: string, days: number): string {
  return `${measure}_${days}d`;
}

/**
 * One join: each day of the past laid beside the later days that it is past of, and summed up for each of those. So no window
 * reaches the day that it is joined to.
 */
function emitJoin({ rows }: FeatureSet, { name, keys, windows, table, measures }: Join): EmittedJoin {
  const longest = Math.max(...windows.map(({ days }) => days));
  const spans = [...new Set(windows.map(({ days }) => days))].sort((left, right) => left - right);
  const sums = spans.flatMap((days) =>
    measures.map((each) => `sumOrNullIf(${each}, as_of - day <= ${days}) AS ${measureColumn(each, days)}`),
  );
  const match = [`${name}.as_of = row.${rows.day}`, ...keys.map((key) => `${name}.of_${key} = row.${key}`)];
  const head = [
    'LEFT JOIN (',
    `  SELECT ${['as_of', ...keys.map((key) => `${key} AS of_${key}`), ...sums].join(', ')}`,
    `  FROM ${table.name}`,
    `  ARRAY JOIN arrayFilter(later -> later > day AND later - day <= ${longest}, {days:Array(Date)}) AS as_of`,
    '  WHERE tenant = {tenant:String}',
    `  AND day >= arrayMin({days:Array(Date)}) - ${longest} AND day < arrayMax({days:Array(Date)})`,
  ];
  const restriction = keys.map((key) => `\n  AND ${key} IN {of_${key}:Array(${rows.columns[key] ?? 'String'})}`);
  const tail = ['', `  GROUP BY ${['as_of', ...keys].join(', ')}`, `) AS ${name} ON ${match.join(' AND ')}`];
  return { head: head.join('\n'), restriction: restriction.join(''), tail: tail.join('\n') };
}
