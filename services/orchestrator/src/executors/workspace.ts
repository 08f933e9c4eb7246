import { constants } from 'node:fs';
import { chmod, chown, copyFile, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest } from '@orrery/contracts/digest';
import { OrreryError } from '@orrery/kit/errors';
import type { ObjectStore } from '@orrery/kit/store';
import { readProcessTable } from './process-table.ts';
import { killGroup } from './watchdog.ts';

/** The folders of one attempt. */
export interface Workspace {
  /** What the program sees as its home: `in/`, `out/`, `tmp/`. */
  readonly folder: string;
  /** Empty, for the sandbox to lay a /dev in. */
  readonly box: string;
  /** Remembers the launcher, so that the next start can end what this process may leave behind. */
  noteLauncher(pid: number): Promise<void>;
  /** Gives the folders that the program writes to the user that it runs as. */
  giveTo(uid: number): Promise<void>;
  remove(): Promise<void>;
}

const outputFilesMax = 1000;
const outputDepthMax = 8;

/** The folder of a process, in which its attempts have theirs: its name tells whether that process still lives. */
export async function ownFolder(root: string, platform: NodeJS.Platform): Promise<string> {
  const self = (await readProcessTable(platform)).get(process.pid);
  const folder = join(root, `${process.pid}-${self?.startedAt ?? '0'}`);
  // Others may pass through, as the program's own user must, but not look around.
  await mkdir(folder, { recursive: true, mode: 0o711 });
  return folder;
}

export async function makeWorkspace(parent: string, fence: string): Promise<Workspace> {
  const place = join(parent, fence);
  const folder = join(place, 'work');
  const box = join(place, 'dev');
  await mkdir(place, { mode: 0o711 });
  await mkdir(box, { mode: 0o755 });
  for (const name of ['', 'in', 'out', 'tmp']) await mkdir(join(folder, name), { mode: 0o755 });
  return {
    folder,
    box,
    async noteLauncher(pid) {
      const entry = (await readProcessTable(process.platform)).get(pid);
      await writeFile(join(place, 'launcher.json'), JSON.stringify({ pid, startedAt: entry?.startedAt ?? '' }));
    },
    async giveTo(uid) {
      for (const name of ['', 'out', 'tmp']) await chown(join(folder, name), uid, uid);
    },
    remove: () => removeFolder(place),
  };
}

/**
 * Lays the inputs into `in/`, read-only: a digest brings the object from the store, anything else becomes JSON. Objects are copied,
 * because a link would let the program change the store's own file.
 */
export async function layInputs(
  workspace: Workspace,
  inputs: Readonly<Record<string, unknown>>,
  store: ObjectStore,
): Promise<void> {
  for (const [name, value] of Object.entries(inputs)) {
    const file = join(workspace.folder, 'in', name);
    if (isDigest(value)) await copyFile(await store.file(value), file, constants.COPYFILE_FICLONE);
    else await writeFile(file, JSON.stringify(value));
    await chmod(file, 0o444);
  }
}

/** Puts every file of `out/` but result.json into the store. Call it when no process of the attempt is left. */
export async function takeOutputs(workspace: Workspace, store: ObjectStore): Promise<Record<string, string>> {
  const outputs: Record<string, string> = {};
  for (const name of await listFiles(join(workspace.folder, 'out'))) {
    if (name === 'result.json') continue;
    const file = await openPlain(join(workspace.folder, 'out', name));
    outputs[name] = (await store.put(file.createReadStream())).digest;
  }
  return outputs;
}

/** The content of `out/result.json`; null when the program left none. */
export async function readResult(workspace: Workspace, bytesMax: number): Promise<unknown> {
  const path = join(workspace.folder, 'out', 'result.json');
  const file = await openPlain(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return null;
  try {
    const { size } = await file.stat();
    if (size > bytesMax) throw outputRefused('result.json', `has ${size} bytes, the bound is ${bytesMax}`);
    return JSON.parse(await file.readFile('utf8')) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) throw outputRefused('result.json', `is no JSON: ${error.message}`);
    throw error;
  } finally {
    await file.close();
  }
}

/** Removes what processes that have died left behind, and ends what they left running. Returns how many attempts that were. */
export async function sweepWorkspaces(root: string, platform: NodeJS.Platform): Promise<number> {
  const table = await readProcessTable(platform);
  const alive = (name: string) => {
    const [pid, startedAt] = name.split('-');
    return table.get(Number(pid))?.startedAt === startedAt;
  };
  let swept = 0;
  for (const owner of (await readdir(root).catch(() => [])).filter((name) => !alive(name))) {
    for (const attempt of await readdir(join(root, owner)).catch(() => [])) {
      const text = await readFile(join(root, owner, attempt, 'launcher.json'), 'utf8').catch(() => '{}');
      const { pid, startedAt } = JSON.parse(text) as { pid?: number; startedAt?: string };
      if (pid !== undefined && startedAt !== '' && table.get(pid)?.startedAt === startedAt) killGroup(pid);
      swept += 1;
    }
    await removeFolder(join(root, owner));
  }
  return swept;
}

/** Plain files below a folder; links and special files are refused, since reading them would reach outside. */
async function listFiles(folder: string, prefix = '', depth = 0): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const name = `${prefix}${entry.name}`;
    if (entry.isDirectory() && depth < outputDepthMax) {
      names.push(...(await listFiles(join(folder, entry.name), `${name}/`, depth + 1)));
    } else if (entry.isFile()) names.push(name);
    else throw outputRefused(name, 'is no plain file');
    if (names.length > outputFilesMax) throw outputRefused('', `holds more than ${outputFilesMax} files`);
  }
  return names.sort();
}

async function openPlain(path: string) {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw outputRefused(path.split('/').at(-1) ?? '', 'is no plain file');
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(async () => {
    // A program may have taken the rights from its own folders.
    await unlock(folder);
    await rm(folder, { recursive: true, force: true });
  });
}

async function unlock(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await unlock(join(folder, entry.name));
  }
}

function outputRefused(name: string, what: string): OrreryError {
  return new OrreryError({
    code: 'OUTPUT_REFUSED',
    message: `out/${name} ${what}`,
    hint: 'a program leaves plain files in out/, and a small JSON value in out/result.json',
  });
}
