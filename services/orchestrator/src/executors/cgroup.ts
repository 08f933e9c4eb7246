import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface CgroupLimits {
  readonly memoryMiB: number;
  /** Threads count, as everywhere in the kernel. */
  readonly threadsMax: number;
}

/** A control group of one attempt: the kernel's own bound on the memory and the tasks of the whole tree. */
export interface Cgroup {
  /** Everything that the process starts from here on is in the group. */
  admit(pid: number): Promise<void>;
  /** Whether the kernel has ended it for its memory. */
  exceededMemory(): Promise<boolean>;
  /** Ends what is left in it, and removes it. */
  end(): Promise<void>;
}

/** Where cgroup v2 lies, and where this process finds its own group. */
export interface CgroupPlace {
  readonly root: string;
  readonly own: string;
}

const systemPlace: CgroupPlace = { root: '/sys/fs/cgroup', own: '/proc/self/cgroup' };
const prefix = 'orrery-step-';

/**
 * Makes a group beside the one that this process is in; undefined where cgroup v2 is not there or not ours to divide, which is
 * usual in containers and for ordinary users. The limits then rest on the other two layers.
 */
export async function makeCgroup(
  name: string,
  limits: CgroupLimits,
  place: CgroupPlace = systemPlace,
): Promise<Cgroup | undefined> {
  const parent = await parentGroup(place);
  if (parent === undefined) return undefined;
  const folder = join(parent, `${prefix}${name}`);
  const write = (file: string, text: string) => writeFile(join(folder, file), text, { flag: 'r+' });
  try {
    await mkdir(folder);
  } catch {
    return undefined;
  }
  try {
    await write('memory.max', String(limits.memoryMiB * 1024 * 1024));
    await write('pids.max', String(limits.threadsMax));
    await write('memory.oom.group', '1');
  } catch {
    // The parent doesn't hand these controllers down.
    await rmdir(folder).catch(() => undefined);
    return undefined;
  }
  return {
    admit: (pid) => write('cgroup.procs', String(pid)),
    async exceededMemory() {
      const events = await readFile(join(folder, 'memory.events'), 'utf8').catch(() => '');
      return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0) > 0;
    },
    async end() {
      await write('cgroup.kill', '1').catch(() => undefined);
      await rmdir(folder).catch(() => undefined);
    },
  };
}

/** Removes groups that processes which have died left empty. */
export async function sweepCgroups(place: CgroupPlace = systemPlace): Promise<void> {
  const parent = await parentGroup(place);
  if (parent === undefined) return;
  const left = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(prefix));
  // One in use is not empty, and stays.
  for (const name of left) await rmdir(join(parent, name)).catch(() => undefined);
}

async function parentGroup(place: CgroupPlace): Promise<string | undefined> {
  const own = /^0::(\/.*)$/m.exec(await readFile(place.own, 'utf8').catch(() => ''))?.[1];
  return own === undefined ? undefined : join(place.root, dirname(own));
}
