import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whose CPU it is. `client` is the benchmark itself: what it spends on handing work in. */
export type Role = 'redis' | 'server' | 'workers' | 'client';
export type CpuMs = Readonly<Record<Role, number>>;

export const roles: readonly Role[] = ['redis', 'server', 'workers', 'client'];

/** Milliseconds by a clock that all processes of a machine share. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The value that the share `p` of all values does not exceed; NaN of nothing. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? NaN;
}

/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const right = sorted[sorted.length >> 1] ?? NaN;
  const left = sorted[(sorted.length - 1) >> 1] ?? NaN;
  return (left + right) / 2;
}

export interface ProcessTime {
  readonly pid: number;
  readonly parent: number;
  /** Of all its threads, and of the children that it has waited for. */
  readonly cpuMs: number;
}

const lookEveryMs = 5;
/** Linux counts in ticks of 10 ms on every architecture that Node runs on. */
const tickMs = 10;

/** One `/proc/<pid>/stat`; the name in brackets may itself hold spaces and brackets. */
export function parseStat(text: string): ProcessTime | undefined {
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  if (close < 0 || fields.length < 15) return undefined;
  const ticks = [11, 12, 13, 14].reduce((sum, place) => sum + Number(fields[place]), 0);
  return { pid: Number.parseInt(text, 10), parent: Number(fields[1]), cpuMs: ticks * tickMs };
}

/** One line of `ps -A -o pid=,ppid=,time=`, where the time is `[[days-]hours:]minutes:seconds[.hundredths]`. */
export function parsePs(line: string): ProcessTime | undefined {
  const [pid, parent, time] = line.trim().split(/\s+/);
  if (time === undefined) return undefined;
  const [days, clock] = time.includes('-') ? time.split('-') : ['0', time];
  const seconds = (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return { pid: Number(pid), parent: Number(parent), cpuMs: (Number(days) * 86_400 + seconds) * 1000 };
}

function readProcesses(): ProcessTime[] {
  if (!existsSync('/proc/self/stat')) {
    const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,time='], { encoding: 'utf8', maxBuffer: 16 << 20 });
    return text.split('\n').flatMap((line) => parsePs(line) ?? []);
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      } catch {
        return [];
      }
    });
}

/** How much CPU the processes of an engine and all their descendants have used, those that have ended included. */
export class Meter {
  readonly #watched = new Map<number, Role>();
  readonly #ended = new Map<Role, number>();

  watch(pid: number, role: Role): void {
    this.#watched.set(pid, role);
  }

  /** To be called right before a process is ended: afterwards nobody can tell what it has used. */
  release(pid: number): void {
    const role = this.#watched.get(pid);
    if (role === undefined) return;
    this.#ended.set(role, (this.#ended.get(role) ?? 0) + sumTree(readProcesses(), pid));
    this.#watched.delete(pid);
  }

  read(): CpuMs {
    const processes = readProcesses();
    const own = process.cpuUsage();
    const sums: Record<Role, number> = { redis: 0, server: 0, workers: 0, client: (own.user + own.system) / 1000 };
    for (const [role, cpuMs] of this.#ended) sums[role] += cpuMs;
    for (const [pid, role] of this.#watched) sums[role] += sumTree(processes, pid);
    return sums;
  }
}

function sumTree(processes: readonly ProcessTime[], root: number): number {
  let sum = 0;
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const each of processes) {
      if (each.pid === pid) sum += each.cpuMs;
      else if (each.parent === pid) open.push(each.pid);
    }
  }
  return sum;
}

export function subtract(after: CpuMs, before: CpuMs): CpuMs {
  return {
    redis: after.redis - before.redis,
    server: after.server - before.server,
    workers: after.workers - before.workers,
    client: after.client - before.client,
  };
}

export function total(cpu: CpuMs): number {
  return roles.reduce((sum, role) => sum + cpu[role], 0);
}

/** Calls `submit` at planned instants, whether or not earlier calls have ended. */
export async function openLoop(perSecond: number, seconds: number, submit: () => Promise<unknown>): Promise<void> {
  const startedMs = nowMs();
  const calls: Promise<unknown>[] = [];
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const waitMs = startedMs + (index * 1000) / perSecond - nowMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    calls.push(submit());
  }
  await Promise.all(calls);
}

/** Calls `act` on each, at most `atOnce` at a time. */
export async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  act: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of rest) await act(item);
    }),
  );
}

/** Looks again and again, in short sleeps, until `holds` does. Throws when it does not within the time. */
export async function waitUntil(
  holds: () => boolean | Promise<boolean>,
  timeoutMs: number,
  what: string,
): Promise<void> {
  const deadlineMs = nowMs() + timeoutMs;
  while (!(await holds())) {
    if (nowMs() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
