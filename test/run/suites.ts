import { currentHost, findProgram } from '#stacks/setup/host.ts';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

/** One mocha process's share of the tests. */
export interface Suite {
  readonly name: string;
  /** Mocha's own arguments beside the files. */
  readonly args: readonly string[];
  /** What this machine lacks to run it, in words; undefined when it lacks nothing. */
  readonly missing: () => string | undefined;
}

const IN_PARALLEL = ['--parallel', `--jobs=${Math.min(2, availableParallelism())}`];
const NOTHING_MISSING = (): undefined => undefined;

/**
 * In the order of a whole run: the fast and independent first; then those that bring the platform up, one at a time; then
 * those that need an engine which only some machines have.
 */
export const SUITES: readonly Suite[] = [
  { name: 'unit', args: IN_PARALLEL, missing: NOTHING_MISSING },
  { name: 'integration', args: [], missing: NOTHING_MISSING },
  { name: 'faults', args: [], missing: NOTHING_MISSING },
  {
    name: 'engine',
    args: [],
    missing: () => (findProgram(currentHost(), 'pulumi') === undefined ? 'no pulumi on the PATH' : undefined),
  },
  { name: 'judges', args: [], missing: lackedByJudges },
  {
    name: 'cluster',
    args: [],
    missing: () => (currentHost().env['KUBECONFIG'] === undefined ? 'KUBECONFIG is not set' : undefined),
  },
];

/** Checkov is installed by its lock file; the others say by themselves that they are not there. */
function lackedByJudges(): string | undefined {
  const host = currentHost();
  const pythons = ['python3.13', 'python3.12', 'python3.11', 'python3'];
  return pythons.some((name) => findProgram(host, name) !== undefined)
    ? undefined
    : 'no python3 on the PATH, for checkov';
}

/** The test files of a suite: those in the folder of its name, and for `unit` all that stand in no such folder. */
export function filesOf(suite: string, root: string, filters: readonly string[]): string[] {
  const others = SUITES.map(({ name }) => name).filter((name) => name !== suite);
  return globSync('test/**/*.test.ts', { cwd: root })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => (suite === 'unit' ? !others.some(isIn(file)) : isIn(file)(suite)))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .toSorted();
}

function isIn(file: string): (suite: string) => boolean {
  return (suite) => file.startsWith(`test/${suite}/`);
}
