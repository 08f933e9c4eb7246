import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '@orrery/kit/clock';
import { isAlive, type ProcessIdentity } from './identity.ts';
import type { Layout } from './layout.ts';

const stepMs = 50;
const politeMs = 5000;

/** Remembers which processes run, so that the next start can end them when this supervisor is killed. */
export function rememberProcesses(layout: Layout, processes: readonly ProcessIdentity[]): void {
  mkdirSync(dirname(layout.processes), { recursive: true });
  const temporary = `${layout.processes}.tmp`;
  writeFileSync(temporary, JSON.stringify(processes), { flush: true });
  renameSync(temporary, layout.processes);
}

/** Ends what an earlier supervisor left running; returns their names. Asks first, kills after five seconds. */
export async function endLeftovers(layout: Layout): Promise<string[]> {
  const left = readProcesses(layout).filter(isAlive);
  for (const process_ of left) signal(process_.pid, 'SIGTERM');
  for (let waitedMs = 0; left.some(isAlive) && waitedMs < politeMs; waitedMs += stepMs) await systemClock.sleep(stepMs);
  for (const process_ of left.filter(isAlive)) signal(process_.pid, 'SIGKILL');
  for (let waitedMs = 0; left.some(isAlive) && waitedMs < politeMs; waitedMs += stepMs) await systemClock.sleep(stepMs);
  rmSync(layout.processes, { force: true });
  return left.map((process_) => process_.name);
}

function readProcesses(layout: Layout): ProcessIdentity[] {
  if (!existsSync(layout.processes)) return [];
  try {
    return JSON.parse(readFileSync(layout.processes, 'utf8')) as ProcessIdentity[];
  } catch {
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended in between, which is what was wanted.
  }
}
