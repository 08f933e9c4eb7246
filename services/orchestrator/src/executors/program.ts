import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import { makeCgroup, type Cgroup } from './cgroup.ts';
import { LineCutter } from './lines.ts';
import { readProcessTable } from './process-table.ts';
import { launcherProcesses, planSandbox, threadsPerProcess, type Isolation } from './sandbox.ts';
import { killGroup, Watchdog, type WatchedLimits } from './watchdog.ts';
import type { Workspace } from './workspace.ts';

export interface ProgramRun {
  readonly isolation: Isolation;
  readonly workspace: Workspace;
  readonly command: readonly string[];
  /** All that the program sees of an environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: WatchedLimits & { readonly cpuSeconds: number };
  /** The user to become, where the isolation has one of its own. */
  readonly uid: number;
  readonly signal: AbortSignal;
  /** A line of standard output that is JSON with a `stage`. */
  readonly onStage: (stage: object) => void;
}

export interface ProgramDeps {
  readonly clock: Clock;
  readonly platform: NodeJS.Platform;
  readonly log: Log;
  /** A file that no program may read. */
  readonly hidden: string;
}

const linesLoggedMax = 1000;
const lineBytesMax = 4096;
const errorLinesMax = 20;
const errorTextMax = 2000;
const sweepsMax = 10;
const sweepWaitMs = 20;
const streamsEndMs = 500;

/** Runs a program in its sandbox to the end of its whole tree. Throws an OrreryError unless it exits with 0. */
export async function runProgram(run: ProgramRun, deps: ProgramDeps): Promise<void> {
  run.signal.throwIfAborted();
  const { isolation, workspace, uid, limits } = run;
  const place = { workspace: workspace.folder, box: workspace.box, hidden: deps.hidden, uid };
  const threadsMax = await threadsOf(isolation, limits.processesMax, deps.platform);
  const [file = '', ...args] = planSandbox(isolation, place, { ...limits, threadsMax }, run.command);
  const child = spawn(file, args, {
    cwd: workspace.folder,
    env: { ...run.environment },
    // A session of its own: the whole tree can be killed at once, and no terminal reaches it.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const leader = await leaderOf(child, exited);
  const abort = () => killGroup(leader);
  run.signal.addEventListener('abort', abort, { once: true });
  let breach: OrreryError | undefined;
  const watched = {
    pid: leader,
    launchers: launcherProcesses(isolation),
    workspace: workspace.folder,
    limits,
    onBreach: (error: OrreryError) => {
      breach = error;
      abort();
    },
  };
  const watchdog = new Watchdog(watched, deps);
  const output = readOutput(child, run, deps.log);
  const group = await makeCgroup(basename(dirname(workspace.folder)), { ...limits, threadsMax });
  try {
    await group?.admit(leader);
    await workspace.noteLauncher(leader);
    watchdog.start();
    if (run.signal.aborted) abort();
    child.stdin.write('go\n');
    const [code, signal] = await exited;
    if (breach === undefined && !run.signal.aborted) {
      await output.ended;
      await assertSuccess(code, signal, { errors: output.errors, group });
      await watchdog.countFiles();
    }
  } finally {
    run.signal.removeEventListener('abort', abort);
    await watchdog.stop();
    await endTree(leader, watchdog, deps.clock);
    await group?.end();
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
  }
  if (breach !== undefined) throw breach;
  run.signal.throwIfAborted();
}

async function leaderOf(child: ChildProcess, exited: Promise<unknown>): Promise<number> {
  child.stdin?.on('error', () => undefined);
  if (child.pid !== undefined) {
    exited.catch(() => undefined);
    return child.pid;
  }
  await exited;
  throw new OrreryError({ code: 'PROCESS_NOT_STARTED', message: '/bin/sh did not start', hint: 'see the log' });
}

/**
 * Where the user is not the attempt's own, its threads are counted together with everything else of that user: the bound is what
 * it has and what the step may add.
 */
async function threadsOf(isolation: Isolation, processesMax: number, platform: NodeJS.Platform) {
  const allowed = processesMax * threadsPerProcess;
  if (isolation.namespaces === 'user' || isolation.becomes === 'own-user') return allowed;
  const uid = process.getuid?.();
  const own = [...(await readProcessTable(platform)).values()].filter((entry) => entry.uid() === uid);
  return own.reduce((sum, entry) => sum + entry.threads, 0) + allowed;
}

/** Kills until nothing is left: what forks faster than it is killed once is killed again. */
async function endTree(leader: number, watchdog: Watchdog, clock: Clock): Promise<void> {
  killGroup(leader);
  for (let sweep = 0; sweep < sweepsMax; sweep += 1) {
    if ((await watchdog.sweep()) === 0) return;
    await clock.sleep(sweepWaitMs);
  }
}

interface Output {
  readonly errors: readonly string[];
  /** Both streams have ended, or have had their time to: a grandchild may hold them open. */
  readonly ended: Promise<unknown>;
}

function readOutput(child: ChildProcess, run: ProgramRun, log: Log): Output {
  let logged = 0;
  const errors: string[] = [];
  const write = (stream: string, line: string) => {
    logged += 1;
    if (logged < linesLoggedMax) log.info({ stream, line }, 'program output');
    if (logged === linesLoggedMax) log.warn('the program writes more lines than are logged: the rest is dropped');
  };
  const ended = [
    readLines(child.stdout, (line) => {
      const stage = stageOf(line);
      if (stage === undefined) write('stdout', line);
      else run.onStage(stage);
    }),
    readLines(child.stderr, (line) => {
      errors.push(line);
      if (errors.length > errorLinesMax) errors.shift();
      write('stderr', line);
    }),
  ];
  const patience = new Promise((resolve) => {
    child.once('exit', () => setTimeout(resolve, streamsEndMs));
  });
  return { errors, ended: Promise.race([Promise.all(ended), patience]) };
}

async function readLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  const cutter = new LineCutter(lineBytesMax, onLine);
  stream?.on('data', (chunk: Buffer) => cutter.push(chunk));
  if (stream !== null) await once(stream, 'close');
  cutter.end();
}

function stageOf(line: string): object | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(line) as { stage?: unknown };
    return typeof value.stage === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** By convention 2 says that the inputs are wrong: another attempt with the same inputs would end the same way. */
const exitInputsWrong = 2;
/** What a shell answers for a program that a signal has ended. */
const signalBase = 128;
const signalCpu = 24;
const signalFileSize = 25;

async function assertSuccess(
  code: number | null,
  signal: NodeJS.Signals | null,
  seen: { readonly errors: readonly string[]; readonly group: Cgroup | undefined },
): Promise<void> {
  if (code === 0) return;
  const said = seen.errors.join('\n').slice(-errorTextMax);
  const ending = signal === null ? `ended with exit code ${code ?? 'none'}` : `was ended by ${signal}`;
  const message = `the program ${ending}${said === '' ? '' : `: ${said}`}`;
  if (code === exitInputsWrong) {
    throw new OrreryError({ code: 'PROCESS_INPUTS_WRONG', message, hint: "correct the step's inputs or arguments" });
  }
  if (code === signalBase + signalFileSize) {
    throw new OrreryError({ code: 'OUTPUT_EXCEEDED', message, hint: 'raise limits.outputMiB, or write less' });
  }
  if (code === signalBase + signalCpu) {
    throw new OrreryError({
      code: 'CPU_EXCEEDED',
      message,
      hint: 'raise timeoutSeconds, or make the program need less',
    });
  }
  if ((await seen.group?.exceededMemory()) === true) {
    throw new OrreryError({ code: 'MEMORY_EXCEEDED', message, hint: 'raise limits.memoryMiB, or make it need less' });
  }
  throw new OrreryError({ code: 'PROCESS_FAILED', message, hint: 'its output is in the log', retry: 'retryable' });
}
