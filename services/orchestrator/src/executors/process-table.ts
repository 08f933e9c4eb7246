import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { promisify } from 'node:util';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Tells a process from a later one of the same number. */
  readonly startedAt: string;
  readonly threads: number;
  /** Memory of its own, in bytes: without what is shared with others or backed by files. */
  readonly memoryBytes: () => number;
  readonly uid: () => number;
}

export type ProcessTable = ReadonlyMap<number, ProcessEntry>;

const pageBytes = 4096;
const commandTimeoutMs = 5000;

/** All processes of the machine that this process may see. */
export async function readProcessTable(platform: NodeJS.Platform): Promise<ProcessTable> {
  return platform === 'linux' ? readProc() : readPs();
}

/** These processes and all that descend from them, as far as the parents are still alive. */
export function withDescendants(table: ProcessTable, roots: readonly ProcessEntry[]): ProcessEntry[] {
  const children = new Map<number, ProcessEntry[]>();
  for (const entry of table.values()) {
    const siblings = children.get(entry.parent);
    if (siblings === undefined) children.set(entry.parent, [entry]);
    else siblings.push(entry);
  }
  const found = new Map(roots.map((entry) => [entry.pid, entry]));
  // A map's iteration also visits what is added on the way.
  for (const entry of found.values()) {
    for (const child of children.get(entry.pid) ?? []) found.set(child.pid, child);
  }
  return [...found.values()];
}

function readProc(): ProcessTable {
  const table = new Map<number, ProcessEntry>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const entry = readEntry(pid);
    if (entry !== undefined) table.set(pid, entry);
  }
  return table;
}

function readEntry(pid: number): ProcessEntry | undefined {
  const stat = readOr(`/proc/${pid}/stat`);
  // The name stands in parentheses and may hold anything, also parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (stat === '' || fields[0] === 'Z') return undefined;
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    startedAt: fields[19] ?? '',
    threads: Number(fields[17]),
    memoryBytes: () => {
      const [, resident = 0, shared = 0] = readOr(`/proc/${pid}/statm`).split(' ').map(Number);
      return Math.max(0, resident - shared) * pageBytes;
    },
    uid: () => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? -1,
  };
}

/** A process may end between its listing and its reading. */
function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function readPs(): Promise<ProcessTable> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,ppid=,pgid=,uid=,rss=,lstart='], {
    timeout: commandTimeoutMs,
  });
  const entries = stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    if (match === null) return [];
    const [pid = 0, parent = 0, group = 0, uid = 0, resident = 0] = match.slice(1, 6).map(Number);
    const startedAt = (match[6] ?? '').replaceAll(/[^A-Za-z0-9]/g, '');
    return [{ pid, parent, group, startedAt, threads: 1, memoryBytes: () => resident * 1024, uid: () => uid }];
  });
  return new Map(entries.map((entry) => [entry.pid, entry]));
}
