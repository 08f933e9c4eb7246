import type { FeatureColumn } from '@orrery/contracts/definitions/feature-set';

/** One thing that a feature promises, counted where it is broken. */
interface ValueCheck {
  readonly name: string;
  readonly condition: string;
  readonly describe: (count: number, rows: number) => string;
}

function checksOf(feature: FeatureColumn): ValueCheck[] {
  const { name, nullable, minimum, maximum } = feature;
  const checks: ValueCheck[] = [];
  if (nullable !== true) {
    const describe = (count: number, rows: number) =>
      `${name} is null in ${count} of ${rows} rows, declared not nullable`;
    checks.push({ name: `null_${name}`, condition: `isNull(${name})`, describe });
  }
  if (minimum !== undefined) {
    const describe = (count: number, rows: number) => `${name} is below ${minimum} in ${count} of ${rows} rows`;
    checks.push({ name: `below_${name}`, condition: `${name} < ${minimum}`, describe });
  }
  if (maximum !== undefined) {
    const describe = (count: number, rows: number) => `${name} is above ${maximum} in ${count} of ${rows} rows`;
    checks.push({ name: `above_${name}`, condition: `${name} > ${maximum}`, describe });
  }
  return checks;
}

/** `, countIf(…) AS …` for all that the features promise, to be counted in the pass that takes the digests. */
export function emitValueChecks(features: readonly FeatureColumn[]): string {
  const counts = features
    .flatMap(checksOf)
    .map(({ name, condition }) => `,\n  countIf(${condition}) AS broken_${name}`);
  return counts.join('');
}

/** What was broken, in words, from the counts of one day. */
export function describeBroken(features: readonly FeatureColumn[], day: Readonly<Record<string, unknown>>): string[] {
  return features.flatMap(checksOf).flatMap((check) => {
    const count = Number(day[`broken_${check.name}`] ?? 0);
    return count === 0 ? [] : [`${String(day['day'])}: ${check.describe(count, Number(day['rows']))}`];
  });
}
