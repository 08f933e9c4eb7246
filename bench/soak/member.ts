import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

export interface MemberOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What reaches it by its standard input; absent: nothing does. */
  readonly input?: string;
  /** Whether it takes work. */
  readonly isReady: (output: string) => boolean | Promise<boolean>;
}

const run = promisify(execFile);
const startTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;
const lookMs = 50;
const outputCharactersMax = 20_000;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A process of the tree, which can be killed, frozen and started again as often as is liked. */
export class Member {
  readonly name: string;
  starts = 0;
  readonly #options: MemberOptions;
  #process: ChildProcess | undefined;
  #output = '';

  constructor(options: MemberOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    const { command, args, input, isReady, name } = this.#options;
    this.#output = '';
    const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process = child;
    this.starts += 1;
    child.stdin.end(input ?? '');
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output = `${this.#output}${chunk.toString()}`.slice(-outputCharactersMax);
      });
    }
    const deadlineMs = Date.now() + startTimeoutMs;
    while (!(await isReady(this.#output))) {
      if (child.exitCode !== null || Date.now() > deadlineMs) {
        throw new Error(`${name} did not start (exit code ${child.exitCode ?? 'none'}): ${this.#output}`);
      }
      await pause(lookMs);
    }
  }

  /** Ends it, and waits until it has. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await exited;
    clearTimeout(timer);
  }

  async replace(): Promise<void> {
    await this.end('SIGKILL');
    await this.start();
  }

  async freeze(ms: number): Promise<void> {
    this.#process?.kill('SIGSTOP');
    await pause(ms);
    this.#process?.kill('SIGCONT');
  }

  /** Memory that it holds (MiB); NaN where nobody can tell. */
  async residentMiB(): Promise<number> {
    if (this.pid === undefined) return NaN;
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(this.pid)]).catch(() => ({ stdout: 'NaN' }));
    return Number(stdout.trim()) / 1024;
  }
}
