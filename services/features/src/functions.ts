/**
 * The functions that a feature may call: each is a function of its arguments alone, one value a row. So a feature can't see
 * another row, a table, a file, the clock or chance. And each is rounded exactly, so that a row alone and a row among millions
 * have the same bits: approximations of exp, log, sin and pow may differ in the last one, depending on how many are computed.
 */
export const functionNames: ReadonlySet<string> = new Set([
  ...['abs', 'ceil', 'floor', 'greatest', 'intDiv', 'least', 'modulo', 'round', 'sign', 'sqrt'],
  ...['coalesce', 'if', 'ifNull', 'isNotNull', 'isNull', 'multiIf', 'nullIf'],
  ...['toDayOfMonth', 'toDayOfWeek', 'toDayOfYear', 'toISOWeek', 'toMonth', 'toQuarter', 'toYear'],
  ...['toFloat32', 'toFloat64', 'toInt16', 'toInt32', 'toInt64', 'toInt8', 'toString'],
  ...['toUInt16', 'toUInt32', 'toUInt64', 'toUInt8'],
  ...['concat', 'length', 'lower', 'substring', 'trimBoth', 'upper'],
]);

/** The words of expressions that are no names. */
export const expressionWords: ReadonlySet<string> = new Set([
  ...[
    'AND',
    'BETWEEN',
    'CASE',
    'ELSE',
    'END',
    'FALSE',
    'IN',
    'IS',
    'LIKE',
    'NOT',
    'NULL',
    'OR',
    'THEN',
    'TRUE',
    'WHEN',
  ],
]);

const otherRows = 'a feature is computed from its own row and from windows of the past alone';
const inexact =
  'its last bit may depend on how many rows are computed at once; x * x is a square, and trees need no logarithm';
const clockOrChance = 'a feature that is computed again must come out the same; a row carries its own day';

const reasons: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /^(now|today|yesterday|currentdate|timezone|uptime)/i, reason: clockOrChance },
  { pattern: /^(rand|generateuuid|generateulid|canonicalrand)/i, reason: clockOrChance },
  { pattern: /^(exp|log|pow|sin|cos|tan|cbrt|erf|tgamma)/i, reason: inexact },
  {
    pattern: /^(sum|avg|min|max|count|any|uniq|quantile|median|group|arg|std|var|neighbor|running)/i,
    reason: otherRows,
  },
  {
    pattern: /^(file|url|s3|remote|cluster|mysql|postgresql|executable|input|merge|numbers|generate)/i,
    reason: otherRows,
  },
  { pattern: /^(dict|joinget|in|exists|getsetting|currentuser|hostname)/i, reason: otherRows },
];

/** Why a function that isn't allowed isn't; undefined when there is nothing particular to say. */
export function reasonAgainst(name: string): string | undefined {
  return reasons.find(({ pattern }) => pattern.test(name))?.reason;
}
