import { initScript, launchScript, limitScript } from './sandbox-scripts.ts';

/** How strongly an attempt is kept apart from everything else, from strongest to weakest. */
export interface Isolation {
  /** `root`: namespaces made with the rights of root; `user`: within a user namespace of its own; `none`. */
  readonly namespaces: 'root' | 'user' | 'none';
  /** The unprivileged user to become: only root can. */
  readonly becomes: 'own-user' | 'same-user';
  /** Whether that user may read (never write) what only root can: the program lies where others have no access. */
  readonly readsAll: boolean;
  /** Whether util-linux's prlimit and setpriv are there. */
  readonly tools: boolean;
}

/** What is tried on this machine, the strongest first; the first that works is taken. */
export function isolationCandidates(host: { readonly root: boolean; readonly linux: boolean }): readonly Isolation[] {
  const plain: Isolation = { namespaces: 'none', becomes: 'same-user', readsAll: false, tools: false };
  if (!host.linux) return [plain];
  const withTools: Isolation = { ...plain, tools: true };
  if (!host.root) return [{ ...withTools, namespaces: 'user' }, withTools, plain];
  const own: Isolation = { ...withTools, becomes: 'own-user' };
  return [
    { ...own, namespaces: 'root' },
    { ...own, namespaces: 'root', readsAll: true },
    own,
    { ...withTools, namespaces: 'user' },
    withTools,
    plain,
  ];
}

/** One line for the log and the README's table: what holds and what doesn't. */
export function describeIsolation({ namespaces, becomes, readsAll, tools }: Isolation): string {
  return [
    namespaces === 'none'
      ? 'shares network, processes and files with its user'
      : 'own network, processes, /dev; read-only files',
    becomes === 'own-user'
      ? `a user of its own${readsAll ? ' that may read all files' : ''}`
      : 'the user of the orchestrator',
    tools ? 'limits by prlimit and the watchdog' : 'limits by ulimit and the watchdog',
  ].join(', ');
}

/** The launcher and its lifeline, with namespaces also unshare and its init. */
export function launcherProcesses({ namespaces }: Isolation): number {
  return namespaces === 'none' ? 2 : 4;
}

export interface SandboxLimits {
  readonly memoryMiB: number;
  readonly processesMax: number;
  readonly outputMiB: number;
  readonly cpuSeconds: number;
  /** Threads that the user may have in all; undefined where the count would include what is not the attempt's. */
  readonly threadsMax: number | undefined;
}

export interface SandboxPlace {
  readonly workspace: string;
  /** An empty folder beside the workspace that may become /dev. */
  readonly box: string;
  /** A file that the program must not read, or ''. */
  readonly hidden: string;
  readonly uid: number;
}

/**
 * The kernel's own memory limit on each process: twice the step's, and a gibibyte. It stops a single leap between two looks of the
 * watchdog, which holds the whole tree to the exact limit. It counts what is mapped for writing, used or not, of which runtimes
 * take much more than they use, hence the margin.
 */
const dataShare = 2;
const dataMarginMiB = 1024;
/** RLIMIT_NPROC counts threads, and numeric libraries start one a core; the watchdog counts processes exactly. */
export const threadsPerProcess = 16;
const openFilesMax = 1024;

/** The command line of an attempt: launcher, namespaces, fewer rights, limits, then the program. Pure. */
export function planSandbox(
  isolation: Isolation,
  place: SandboxPlace,
  limits: SandboxLimits,
  command: readonly string[],
): readonly string[] {
  const limited = [...dropRights(isolation, place), ...setLimits(isolation, limits), ...command];
  return ['/bin/sh', '-c', launchScript, 'launch', ...enterNamespaces(isolation, place, limits), ...limited];
}

function enterNamespaces({ namespaces }: Isolation, place: SandboxPlace, limits: SandboxLimits): string[] {
  if (namespaces === 'none') return [];
  const user = namespaces === 'user' ? ['--user', '--map-current-user', '--keep-caps'] : [];
  const unshare = ['unshare', ...user, '--net', '--ipc', '--pid', '--mount', '--fork', '--mount-proc', '--kill-child'];
  const { workspace, box, hidden } = place;
  return [...unshare, '--', '/bin/sh', '-c', initScript, 'init', workspace, box, String(limits.memoryMiB), hidden];
}

function dropRights({ becomes, readsAll, tools }: Isolation, { uid }: SandboxPlace): string[] {
  if (!tools) return [];
  const kept = readsAll ? '-all,+dac_read_search' : '-all';
  const capabilities = [`--inh-caps=${kept}`, `--ambient-caps=${kept}`, `--bounding-set=${kept}`];
  const user = becomes === 'own-user' ? [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'] : [];
  // An ordinary user outside of a user namespace has no bounding set to lower, and no rights to lose.
  return ['setpriv', ...user, ...capabilities, '--no-new-privs', '--'];
}

function setLimits({ tools }: Isolation, limits: SandboxLimits): string[] {
  const { memoryMiB, outputMiB, cpuSeconds, threadsMax } = limits;
  if (!tools) return ['/bin/sh', '-c', limitScript, 'limit', String(outputMiB), String(cpuSeconds)];
  return [
    'prlimit',
    '--core=0',
    `--data=${(memoryMiB * dataShare + dataMarginMiB) * 1024 * 1024}`,
    `--fsize=${outputMiB * 1024 * 1024}`,
    `--cpu=${cpuSeconds}`,
    `--nofile=${openFilesMax}`,
    ...(threadsMax === undefined ? [] : [`--nproc=${threadsMax}`]),
    '--',
  ];
}
