import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { execute } from '#stacks/setup/execution.ts';
import { findProgram, type Host } from '#stacks/setup/host.ts';
import { ROOT } from '#test/architecture/tree.ts';
import type { Finding } from './exported.ts';

const version = 'v1.20.0';
const buildTimeoutMs = 15 * 60_000;
const runTimeoutMs = 60_000;
/** Not in the tree, and not the user's own: Go's answer to where programs go. */
const folder = path.join(ROOT, '.orrery', 'judges', `kube-score-${version}`);

/** What kube-score says of one object; what it finds well is counted alone. */
export interface Remark extends Finding {
  readonly grade: 'critical' | 'warning';
}

/** As kube-score writes it: a grade of 1 is critical, of 5 a warning, of 7 and more well enough. */
interface Scored {
  readonly object_meta: { readonly name: string };
  readonly checks: readonly {
    readonly check: { readonly id: string };
    readonly grade: number;
    readonly skipped: boolean;
  }[];
}

/** What is on the PATH, or was built before. */
export function findKubeScore(host: Host): { readonly program: string } | undefined {
  const built = path.join(folder, 'kube-score');
  const program = existsSync(built) ? built : findProgram(host, 'kube-score');
  return program === undefined ? undefined : { program };
}

/** Builds it from its source, which Go checks against its public list of sums; where it can't, what is lacking. */
export async function installKubeScore(
  host: Host,
): Promise<{ readonly program: string } | { readonly lacked: string }> {
  const go = findProgram(host, 'go');
  if (go === undefined) return { lacked: 'neither kube-score nor Go on the PATH' };
  mkdirSync(folder, { recursive: true });
  process.stderr.write(`      building kube-score ${version}; the first time this takes two minutes\n`);
  const env = { ...host.env, GOBIN: folder, GOFLAGS: '-buildvcs=false -trimpath' };
  const words = ['install', `github.com/zegl/kube-score/cmd/kube-score@${version}`];
  const { code, output } = await execute(go, words, { env, timeoutMs: buildTimeoutMs });
  if (code === 0) return { program: path.join(folder, 'kube-score') };
  return { lacked: `kube-score ${version} can't be built here (${output.trim().split('\n').at(-1) ?? 'no output'})` };
}

export async function runKubeScore(
  program: string,
  file: string,
): Promise<{ readonly passed: number; readonly remarks: readonly Remark[] }> {
  const words = ['score', '--output-format', 'json', '--kubernetes-version', 'v1.34', file];
  // By lines, since only the end of a long output is kept.
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  const { output } = await execute(program, words, { env: process.env, timeoutMs: runTimeoutMs, onLine });
  if (lines[0] !== '[') throw new Error(`kube-score judged nothing: ${output.slice(0, 500)}`);
  const judged = (JSON.parse(lines.join('\n')) as readonly Scored[]).flatMap(({ object_meta, checks }) =>
    checks
      .filter(({ skipped }) => !skipped)
      .map(({ check, grade }) => ({ rule: check.id, resource: object_meta.name, grade })),
  );
  return {
    passed: judged.filter(({ grade }) => grade > 5).length,
    remarks: judged
      .filter(({ grade }) => grade <= 5)
      .map(({ grade, ...finding }) => ({ ...finding, grade: grade === 1 ? 'critical' : 'warning' })),
  };
}
