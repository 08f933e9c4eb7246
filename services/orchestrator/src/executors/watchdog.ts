import { readdir, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@orrery/kit/clock';
import { messageOf, OrreryError } from '@orrery/kit/errors';
import { readProcessTable, withDescendants, type ProcessEntry } from './process-table.ts';

export interface WatchedLimits {
  readonly memoryMiB: number;
  readonly processesMax: number;
  readonly outputMiB: number;
}

export interface Watched {
  /** The launcher: leader of the attempt's process group. */
  readonly pid: number;
  /** How many processes of the tree launch the program rather than being it. */
  readonly launchers: number;
  readonly workspace: string;
  readonly limits: WatchedLimits;
  /** Called once, when a limit is broken. */
  readonly onBreach: (error: OrreryError) => void;
}

const MiB = 1024 * 1024;
const sampleMs = 100;
/** Files are counted once in so many samples: that walk costs more. */
const samplesPerFileCount = 5;
const filesCountedMax = 20_000;

/**
 * Looks at the whole tree of an attempt ten times a second: memory, processes, files. It needs no rights and no kernel feature, so
 * the limits hold for root, for ordinary users and without cgroups. Remembers every process that it has seen in the tree: one that
 * leaves group and parents is still found at the end.
 */
export class Watchdog {
  readonly #watched: Watched;
  readonly #clock: Clock;
  readonly #platform: NodeJS.Platform;
  readonly #stop = new AbortController();
  /** pid -> when it was started. */
  readonly #seen = new Map<number, string>();
  #done: Promise<void> | undefined;
  #broken = false;

  constructor(watched: Watched, deps: { clock: Clock; platform: NodeJS.Platform }) {
    this.#watched = watched;
    this.#clock = deps.clock;
    this.#platform = deps.platform;
  }

  start(): void {
    this.#done = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Holds the files of the workspace against their limit; also once more after the end, when a last write may stand there. */
  async countFiles(): Promise<void> {
    const { limits, workspace } = this.#watched;
    const bytes = await sizeOf(workspace);
    if (this.#broken || bytes <= limits.outputMiB * MiB) return;
    const written = `${Math.ceil(bytes / MiB)} MiB of files, the limit is ${limits.outputMiB} MiB`;
    this.#breach('OUTPUT_EXCEEDED', written, 'outputMiB');
  }

  /** Kills what is left of the tree, wherever it has gone; returns how many processes that were. */
  async sweep(): Promise<number> {
    const left = await this.#tree();
    for (const entry of left) kill(entry.pid);
    return left.length;
  }

  async #watch(): Promise<void> {
    try {
      for (let sample = 0; !this.#stop.signal.aborted && !this.#broken; sample += 1) {
        await this.#look();
        if (sample % samplesPerFileCount === 0) await this.countFiles();
        await this.#clock.sleep(sampleMs, this.#stop.signal);
      }
    } catch (cause) {
      // What can't be watched must not go on.
      const message = `the program can't be watched: ${messageOf(cause)}`;
      const hint = 'see why the processes of this machine can not be listed';
      this.#watched.onBreach(new OrreryError({ code: 'WATCHDOG_FAILED', message, hint, retry: 'retryable', cause }));
    }
  }

  async #look(): Promise<void> {
    const { launchers, limits } = this.#watched;
    const tree = await this.#tree();
    for (const entry of tree) this.#seen.set(entry.pid, entry.startedAt);
    const own = tree.length - launchers;
    if (own > limits.processesMax) {
      this.#breach('PROCESSES_EXCEEDED', `${own} processes, the limit is ${limits.processesMax}`, 'processesMax');
      return;
    }
    const memory = tree.reduce((sum, entry) => sum + entry.memoryBytes(), 0);
    if (memory > limits.memoryMiB * MiB) {
      const held = `${Math.ceil(memory / MiB)} MiB of memory, the limit is ${limits.memoryMiB} MiB`;
      this.#breach('MEMORY_EXCEEDED', held, 'memoryMiB');
    }
  }

  /** The group, what was seen in the tree before, and whatever descends from these. */
  async #tree(): Promise<ProcessEntry[]> {
    const table = await readProcessTable(this.#platform);
    const roots = [...table.values()].filter(
      (entry) => entry.group === this.#watched.pid || this.#seen.get(entry.pid) === entry.startedAt,
    );
    return withDescendants(table, roots);
  }

  #breach(code: string, what: string, limit: string): void {
    this.#broken = true;
    const hint = `raise limits.${limit}, or make the program need less`;
    this.#watched.onBreach(new OrreryError({ code, message: `the program had ${what}`, hint }));
  }
}

/** Ends a process group at once; true when there was one. */
export function killGroup(leader: number): boolean {
  return kill(-leader);
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** Bytes that the program has put on disk: everything in its workspace but what it was given. */
async function sizeOf(workspace: string): Promise<number> {
  let bytes = 0;
  let counted = 0;
  const folders = [workspace];
  for (let folder = folders.pop(); folder !== undefined && counted < filesCountedMax; folder = folders.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (folder === workspace && entry.name === 'in') continue;
      counted += 1;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else bytes += (await lstat(path).catch(() => undefined))?.size ?? 0;
    }
  }
  return bytes;
}
