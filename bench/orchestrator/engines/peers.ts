import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { peersFolder } from './bullmq-library.ts';
import type { EngineName } from './types.ts';

const packages: Readonly<Record<Exclude<EngineName, 'orrery'>, string>> = {
  bullmq: 'bullmq',
  restate: '@restatedev/restate-server',
};

/** Installs, from the lockfile beside them and without their scripts, the peers that are asked for and not there yet. */
export function installPeers(engines: readonly EngineName[], say: (line: string) => void): void {
  const peers = engines.flatMap((name) => (name === 'orrery' ? [] : [packages[name]]));
  if (peers.every((name) => existsSync(path.join(peersFolder, 'node_modules', name)))) return;
  say(`installing ${peers.join(', ')} into bench/orchestrator/peers`);
  const all = engines.includes('restate');
  const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', ...(all ? [] : ['--omit=dev'])];
  const { status, stderr } = spawnSync('npm', words, { cwd: peersFolder, encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`npm ${words.join(' ')} failed in bench/orchestrator/peers: ${stderr.slice(-1000)}`);
}
