import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPeer, type Peer } from '@orrery/kit/peer';
import { CommandError, type ExitCode } from '../errors.ts';
import type { Places } from '../release/places.ts';
import { isAlive, type ProcessIdentity } from './identity.ts';
import { layoutOf } from './layout.ts';
import { host, portOffsets } from './ports.ts';

/** A running local environment. */
export interface RunningAgent {
  readonly portBase: number;
  readonly token: string;
  readonly deployer: Peer;
  peer(name: string, offset: number): Peer;
}

export interface StartedAgent extends RunningAgent {
  /** Ends the environment and resolves when nothing of it runs. */
  stop(): Promise<void>;
  /** Lets it go on without the one who started it. */
  release(): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
}

interface AgentMessage {
  readonly type: 'progress' | 'ready' | 'failed';
  readonly line?: string;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
  readonly exitCode?: ExitCode;
}

/** The environment that runs in this state folder, if one does. */
export function findAgent(places: Places): RunningAgent | undefined {
  const layout = layoutOf(places);
  const agent = readAgent(layout.agent);
  if (agent === undefined || !isAlive(agent)) return undefined;
  return connect(agent.portBase, readFileSync(layout.token, 'utf8').trim());
}

/** The file is removed when the environment ends, so it may be gone between two looks. */
function readAgent(file: string): (ProcessIdentity & { portBase: number }) | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity & { portBase: number };
  } catch {
    return undefined;
  }
}

export function requireAgent(places: Places): RunningAgent {
  const agent = findAgent(places);
  if (agent !== undefined) return agent;
  throw new CommandError({
    code: 'ENVIRONMENT_DOWN',
    message: 'the local environment does not run',
    hint: 'start it: npx orrery up (or npm start, which also runs the main job)',
  });
}

export function alreadyRuns(): CommandError {
  return new CommandError({
    code: 'ENVIRONMENT_RUNS',
    message: 'the local environment runs already',
    hint: 'npx orrery status shows it, npx orrery down ends it',
  });
}

/** Starts the environment and resolves when it serves. Tied: it ends when this process does, however that ends. */
export async function startAgent(options: {
  places: Places;
  portBase: number;
  tied: boolean;
  /** How long to wait while somebody else changes the environment. Default 0. */
  waitMs?: number;
  progress: (line: string) => void;
  /** Ends the start, and what was started, when it resolves before the environment serves. */
  interrupted?: Promise<void>;
}): Promise<StartedAgent> {
  const { places, portBase } = options;
  const layout = layoutOf(places);
  if (findAgent(places) !== undefined) throw alreadyRuns();
  mkdirSync(layout.logs, { recursive: true });
  const logFile = openSync(join(layout.logs, 'deployer.log'), 'a', 0o600);
  const words = ['--root', places.root, '--state', places.state, '--ports', String(portBase)];
  words.push('--wait', String(options.waitMs ?? 0));
  const flags = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'agent.ts'), ...words];
  const child = spawn(process.execPath, options.tied ? [...flags, '--tied'] : flags, {
    cwd: places.root,
    detached: true,
    stdio: ['ignore', logFile, logFile, 'ipc'],
  });
  closeSync(logFile);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let wasInterrupted = false as boolean;
  const tellToStop = () => {
    if (child.connected) child.send({ type: 'stop' });
  };
  void options.interrupted?.then(() => {
    wasInterrupted = true;
    tellToStop();
  });
  try {
    await becomesReady(child, ended, options.progress, join(layout.logs, 'deployer.log'));
  } catch (error) {
    throw wasInterrupted ? interruptedStart(error) : error;
  }
  return {
    ...connect(portBase, readFileSync(layout.token, 'utf8').trim()),
    ended,
    release() {
      child.disconnect();
      child.unref();
    },
    async stop() {
      tellToStop();
      await ended;
    },
  };
}

function becomesReady(
  child: ChildProcess,
  ended: Promise<void>,
  progress: (line: string) => void,
  logFile: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let told: AgentMessage | undefined;
    child.on('message', (raw) => {
      const message = raw as AgentMessage;
      if (message.type === 'progress') progress(message.line ?? '');
      if (message.type === 'failed') told = message;
      if (message.type === 'ready') resolve();
    });
    void ended.then(() => {
      const fallback = {
        code: 'AGENT_FAILED',
        message: 'the environment ended while it started',
        hint: `see ${logFile}`,
      };
      const { code, message, hint, exitCode } = { ...fallback, ...told };
      reject(new CommandError({ code, message, hint, ...(exitCode === undefined ? {} : { exitCode }) }));
    });
  });
}

function interruptedStart(cause: unknown): CommandError {
  const hint = 'what had started was ended; start it again: npx orrery up (or npm start)';
  return new CommandError({ code: 'INTERRUPTED', message: 'the start was interrupted', hint, cause });
}

function connect(portBase: number, token: string): RunningAgent {
  const peer = (name: string, offset: number) =>
    createPeer({ name, url: `http://${host}:${portBase + offset}`, token });
  return { portBase, token, peer, deployer: peer('the deployer', portOffsets.agent) };
}
