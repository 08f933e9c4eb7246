import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from './reporter.ts';

const RUN_MAX_MS = 40 * 60_000;
const POLL_MS = 250;

export interface MochaRun {
  readonly root: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where the outcome is written; must not exist. */
  readonly outcomeFile: string;
  readonly show: 'all' | 'errors' | 'nothing';
  /** How long the process may live after its last test; a server or timer that a test left open keeps it alive for ever. */
  readonly lingerMaxMs: number;
  readonly onStart: (child: ChildProcess) => void;
}

/** Runs mocha in a process of its own. However that process ends, the outcome tells it: a crash is a failed test. */
export async function runMocha(run: MochaRun): Promise<Outcome> {
  const reporter = path.join(run.root, 'test', 'run', 'reporter.ts');
  const program = path.join(run.root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const report = ['--reporter', reporter, '--reporter-option', `output=${run.outcomeFile}`];
  const args = ['--disable-warning=TimeoutNegativeWarning', program, ...report, ...run.args];
  const child = spawn(process.execPath, args, {
    cwd: run.root,
    env: run.env,
    stdio: ['ignore', run.show === 'all' ? 'inherit' : 'ignore', run.show === 'nothing' ? 'ignore' : 'inherit'],
  });
  run.onStart(child);
  const trouble = await troubleOf(child, run);
  const outcome = readOutcome(run.outcomeFile);
  const failed = [...(outcome?.failed ?? [])];
  const failuresExplainIt = trouble?.isExitCode === true && failed.length > 0;
  if (trouble !== undefined && !failuresExplainIt) failed.push(`mocha ${trouble.reason}`);
  else if (outcome === undefined) failed.push('mocha ended before its last test');
  return { passed: outcome?.passed ?? 0, failed, skipped: outcome?.skipped ?? {} };
}

interface Trouble {
  readonly reason: string;
  readonly isExitCode: boolean;
}

/** Waits for the process to end, or ends it; undefined when it ended by itself with code 0. */
async function troubleOf(child: ChildProcess, run: MochaRun): Promise<Trouble | undefined> {
  const ended = once(child, 'exit');
  const stop = new AbortController();
  const overdue = await Promise.race([ended.then(() => undefined), overdueReason(run, stop.signal)]);
  stop.abort();
  if (overdue !== undefined) {
    child.kill('SIGKILL');
    await ended;
    return { reason: overdue, isExitCode: false };
  }
  if (child.signalCode !== null) return { reason: `was ended by ${child.signalCode}`, isExitCode: false };
  if (child.exitCode === 0) return undefined;
  return { reason: `ended with code ${child.exitCode ?? 'unknown'}`, isExitCode: true };
}

async function overdueReason({ outcomeFile, lingerMaxMs }: MochaRun, signal: AbortSignal): Promise<string | undefined> {
  const startedMs = performance.now();
  let lastTestMs: number | undefined;
  while (!signal.aborted) {
    const nowMs = performance.now();
    if (lastTestMs === undefined && existsSync(outcomeFile)) lastTestMs = nowMs;
    if (lastTestMs !== undefined && nowMs - lastTestMs > lingerMaxMs) {
      return `was still alive ${lingerMaxMs / 1_000} s after its last test: a test left something open`;
    }
    if (nowMs - startedMs > RUN_MAX_MS) return `took over ${RUN_MAX_MS / 60_000} minutes`;
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

function readOutcome(file: string): Outcome | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Outcome) : undefined;
}
