import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RunOptions } from './engine.ts';

export interface GuardedOptions extends RunOptions {
  readonly root: string;
  readonly program: string;
  readonly words: readonly string[];
  /** Takes what the program prints. */
  readonly log: string;
  /** Called at every tick and once more at the end. */
  readonly onTick: () => void;
}

const tickMs = 250;
/** How long an engine may finish what is in flight once its deployer is gone, before it is killed. */
const graceMs = 10_000;
/** The share of what is left of the lease, and at most how much, in which the engine is asked to end before the lease lapses. */
const endingShare = 1 / 3;
const endingMaxMs = 12_000;

/**
 * Runs a program under a guard that ends it when this process dies, or when the lease is lost, be it because this process is paused.
 * Returns the program's exit code and, when it could not be run, why.
 */
export async function runGuarded(options: GuardedOptions): Promise<{ code: number; reason: string }> {
  const { lease, signal, progress } = options;
  const guard = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'engine-guard.ts'),
      options.log,
      String(graceMs),
      options.program,
      ...options.words,
    ],
    { cwd: options.root, detached: true, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  guard.stdin.on('error', () => undefined);
  const tell = (line: string) => guard.stdin.write(`${line}\n`);
  let stopped = false;
  const tick = () => {
    options.onTick();
    const leftMs = Math.floor(lease.remainingMs());
    const endingMs = Math.min(endingMaxMs, leftMs * endingShare);
    tell(`alive ${Math.floor(leftMs - endingMs)} ${Math.floor(leftMs - endingMs / 4)}`);
    if (!signal.aborted || stopped) return;
    stopped = true;
    tell('stop');
    progress('ending the engine: it finishes what is in flight');
  };
  const ended = new Promise<{ code: number; reason: string }>((resolve) => {
    guard.on('error', (error) => resolve({ code: 127, reason: error.message }));
    guard.on('close', () => resolve({ code: 1, reason: 'the guard of the engine ended before it' }));
    createInterface({ input: guard.stdout }).on('line', (line) => {
      const [word, number, ...rest] = line.split(' ');
      // A renewal that does not pass is the lease's own affair: it is asked for before the next entry.
      if (word === 'engine') void lease.include(Number(number)).catch(() => undefined);
      if (word === 'ended') resolve({ code: Number(number), reason: rest.join(' ') });
    });
  });
  const timer = setInterval(tick, tickMs);
  tick();
  try {
    return await ended;
  } finally {
    clearInterval(timer);
    options.onTick();
    guard.stdin.end();
  }
}
