import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { CommandError } from '../errors.ts';
import type { Engine, EngineRun, RunOptions } from './engine.ts';
import { EngineEvents } from './engine-events.ts';
import { runGuarded } from './guarded-engine.ts';

export interface PulumiOptions {
  /** The folder of Pulumi.yaml. */
  readonly root: string;
  readonly environment: string;
  /** The path of the program. */
  readonly program: string;
  /** The folder where what it prints is kept. */
  readonly logs: string;
}

const saidBytesMax = 64 * 1024;
const saidLinesShown = 15;
const pieceBytes = 1024 * 1024;
const headBytes = 512;
/** What the guard says of an engine that a signal ended. */
const killedCode = 137;
const shortCommandMaxMs = 120_000;

/** The engine by its command line, with the backend and the secrets provider that the stack has. */
export function createPulumiEngine(options: PulumiOptions): Engine {
  const stack = ['--stack', options.environment, '--non-interactive', '--color', 'never'];
  return {
    preview: (run) => runEngine(options, ['preview', ...stack, '--suppress-outputs'], run),
    // Never without its preview: rules on the whole stack are asked there alone.
    up: (run) => runEngine(options, ['up', ...stack, '--yes', '--suppress-outputs'], run),
    exportState: () => ask(options, ['stack', 'export', ...stack]),
    cancel: async () => {
      await ask(options, ['cancel', '--yes', ...stack]);
    },
  };
}

async function runEngine(options: PulumiOptions, words: readonly string[], run: RunOptions): Promise<EngineRun> {
  const { root, program, environment } = options;
  mkdirSync(options.logs, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'orrery-engine-'));
  const [log, eventLog] = [join(options.logs, `engine-${environment}.log`), join(folder, 'events')];
  const saidFrom = sizeOf(log);
  const tail = new Tail(eventLog);
  let live = new EngineEvents();
  const onTick = () => {
    const { text, restarted } = tail.read();
    if (restarted) live = new EngineEvents();
    live.take(text, run.progress);
  };
  try {
    const flags = [...words, '--event-log', eventLog];
    const { code, reason } = await runGuarded({ ...run, root, program, words: flags, log, onTick });
    if (code === 127) throw missing(program, reason);
    const events = new EngineEvents();
    events.take(new Tail(eventLog).read().text);
    return outcomeOf(code, events, new Tail(log, Math.max(saidFrom, sizeOf(log) - saidBytesMax)).read().text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function outcomeOf(code: number, events: EngineEvents, said: string): EngineRun {
  const { resources, failures, errors } = events;
  const locked = /(the stack is currently locked by|Another update is currently in progress)[^]*/.exec(said)?.[0];
  const silent = code !== 0 && errors.length === 0 && failures.length === 0;
  const last = said.trim().split('\n').slice(-saidLinesShown).join('\n');
  return {
    ok: code === 0,
    killed: code === killedCode,
    resources,
    failures,
    errors: silent ? [code === killedCode ? `it was killed. ${last}`.trim() : last] : errors,
    ...(locked === undefined ? {} : { lockedBy: locked.trim() }),
  };
}

/** Runs a short command of the engine and returns what it prints. */
async function ask({ root, program, environment }: PulumiOptions, words: readonly string[]): Promise<string> {
  const { code, out, said } = await new Promise<{ code: number; out: string; said: string }>((resolve) => {
    const child = spawn(program, words, { cwd: root, timeout: shortCommandMaxMs, stdio: ['ignore', 'pipe', 'pipe'] });
    let [text, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (errors += piece));
    child.on('error', (error) => resolve({ code: 127, out: '', said: error.message }));
    child.on('close', (exit) => resolve({ code: exit ?? 1, out: text, said: errors }));
  });
  if (code === 0) return out;
  if (code === 127) throw missing(program, said);
  throw new CommandError({
    code: 'ENGINE_FAILED',
    message: `pulumi ${words.slice(0, 2).join(' ')} of ${environment} failed: ${said.trim().split('\n').slice(-saidLinesShown).join('\n')}`,
    hint: `see that the stack is there and its backend can be reached: pulumi stack ls`,
  });
}

function missing(program: string, reason: string): CommandError {
  return new CommandError({
    code: 'ENGINE_MISSING',
    message: `${program} can't be run: ${reason}`,
    hint: 'install the Pulumi CLI (https://www.pulumi.com/docs/install) and see that it is on the PATH',
  });
}

/**
 * A file that grows: each read returns what came since the last. The engine begins its event log anew after the preview of an `up`,
 * in the same file: it is told by the first bytes.
 */
class Tail {
  readonly #file: string;
  #decoder = new StringDecoder('utf8');
  #offset: number;
  #head = Buffer.alloc(0);

  constructor(file: string, offset = 0) {
    this.#file = file;
    this.#offset = offset;
  }

  read(): { text: string; restarted: boolean } {
    if (!existsSync(this.#file)) return { text: '', restarted: false };
    const file = openSync(this.#file, 'r');
    try {
      const restarted = this.#hasRestarted(file);
      if (restarted) [this.#offset, this.#decoder] = [0, new StringDecoder('utf8')];
      const piece = Buffer.alloc(pieceBytes);
      let text = '';
      for (let size = readSync(file, piece, 0, pieceBytes, this.#offset); size > 0;) {
        this.#offset += size;
        text += this.#decoder.write(piece.subarray(0, size));
        size = readSync(file, piece, 0, pieceBytes, this.#offset);
      }
      return { text, restarted };
    } finally {
      closeSync(file);
    }
  }

  #hasRestarted(file: number): boolean {
    const head = Buffer.alloc(headBytes);
    const size = readSync(file, head, 0, headBytes, 0);
    const known = this.#head;
    this.#head = head.subarray(0, size);
    return size < known.length || !known.equals(this.#head.subarray(0, known.length));
  }
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}
