import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { execute } from '#stacks/setup/execution.ts';
import { findProgram, type Host } from '#stacks/setup/host.ts';
import { ROOT } from '#test/architecture/tree.ts';

const version = 'v1.20.0';
const buildTimeoutMs = 15 * 60_000;
/** Not in the tree, and not the user's own: Go's answer to where programs go. */
const folder = path.join(ROOT, '.orrery', 'judges', `kube-score-${version}`);

/** What is on the PATH, or was built before. */
export function findKubeScore(host: Host): string | undefined {
  const built = path.join(folder, 'kube-score');
  return existsSync(built) ? built : findProgram(host, 'kube-score');
}

/** Builds it from its source, which Go checks against its public list of sums; undefined where there is no Go. */
export async function installKubeScore(host: Host): Promise<string | undefined> {
  const go = findProgram(host, 'go');
  if (go === undefined) return undefined;
  mkdirSync(folder, { recursive: true });
  process.stderr.write(`      building kube-score ${version}; the first time this takes two minutes\n`);
  const env = { ...host.env, GOBIN: folder, GOFLAGS: '-buildvcs=false -trimpath' };
  const words = ['install', `github.com/zegl/kube-score/cmd/kube-score@${version}`];
  const { code, output } = await execute(go, words, { env, timeoutMs: buildTimeoutMs });
  if (code !== 0) throw new Error(`kube-score ${version} can't be built: ${output.slice(-500)}`);
  return path.join(folder, 'kube-score');
}
