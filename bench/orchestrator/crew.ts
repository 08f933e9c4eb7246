import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { waitUntil, type Meter, type Role } from './measure.ts';
import type { CrewMessage, CrewOrder, Fire, Sampled } from './work.ts';

export interface CrewOptions {
  /** The worker program of an engine. */
  readonly program: string;
  readonly processes: number;
  /** What the worker process at this place is told. */
  readonly order: (place: number) => CrewOrder;
  readonly meter: Meter;
  /** Whose CPU it is. Default: that of the workers. */
  readonly role?: Role;
  /** For example `--cpu-prof`. */
  readonly execArgv?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const startTimeoutMs = 20_000;
const stopTimeoutMs = 5000;

/** The worker processes of one engine, and the sum of what they tell. */
export class Crew {
  handled = 0;
  lastAtMs = 0;
  samples: Sampled[] = [];
  fires: Fire[] = [];
  problems: string[] = [];
  readonly #options: CrewOptions;
  readonly #members = new Map<number, ChildProcess>();

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.processes }, (_, place) => this.#join(place)));
  }

  /** Starts a worker process, and waits until it takes work. */
  async #join(place: number): Promise<void> {
    const { program, order, meter, role = 'workers', execArgv = [], environment = {} } = this.#options;
    const member = fork(program, [JSON.stringify(order(place))], {
      execArgv: ['--disable-warning=ExperimentalWarning', ...execArgv],
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#members.set(place, member);
    if (member.pid !== undefined) meter.watch(member.pid, role);
    const ready = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${program} did not start`)), startTimeoutMs);
      member.once('exit', (code) => reject(new Error(`${program} exited with ${code ?? 'a signal'}`)));
      member.on('message', (message: CrewMessage) => {
        if (message.kind === 'tally') this.#add(message);
        else {
          clearTimeout(timer);
          resolve();
        }
      });
    });
    await ready;
  }

  /** Ends one of them by SIGKILL and puts another in its place. */
  async replace(place: number): Promise<void> {
    const member = this.#members.get(place);
    if (member !== undefined) await this.#end(member, 'SIGKILL');
    await this.#join(place);
  }

  /** Forgets what was told so far. */
  reset(): void {
    [this.handled, this.lastAtMs, this.samples, this.fires, this.problems] = [0, 0, [], [], []];
  }

  /** Waits until that many steps were carried out since the last reset; returns when the last of them was. */
  async until(steps: number, timeoutMs: number): Promise<number> {
    await waitUntil(() => this.handled >= steps, timeoutMs, 'the work being carried out').catch((error: unknown) => {
      const message = `${this.handled} of ${steps} steps were carried out; ${this.problems.slice(0, 3).join('; ')}`;
      throw new Error(message, { cause: error });
    });
    return this.lastAtMs;
  }

  of(name: string): number[] {
    return this.samples.filter((sample) => sample.name === name).map(({ ms }) => ms);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => this.#end(member, 'SIGTERM')));
    this.#members.clear();
  }

  async #end(member: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    if (member.pid !== undefined) this.#options.meter.release(member.pid);
    if (member.exitCode !== null || member.signalCode !== null) return;
    const exited = once(member, 'exit');
    member.kill(signal);
    const timer = setTimeout(() => member.kill('SIGKILL'), stopTimeoutMs);
    await exited;
    clearTimeout(timer);
  }

  #add({ tally }: Extract<CrewMessage, { kind: 'tally' }>): void {
    this.handled += tally.handled;
    this.lastAtMs = Math.max(this.lastAtMs, tally.lastAtMs);
    this.samples.push(...tally.samples);
    this.fires.push(...tally.fires);
    this.problems.push(...tally.problems);
  }
}
