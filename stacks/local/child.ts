import type { Log } from '@orrery/kit/log';
import { systemClock } from '@orrery/kit/clock';
import { CommandError, messageOf } from '../errors.ts';

/** One process while it runs. */
export interface Running {
  readonly pid: number;
  /** Resolves when it serves; rejects when it ends or stays silent until its deadline. */
  readonly ready: Promise<void>;
  /** Resolves when it has ended, with what it ended by. */
  readonly ended: Promise<string>;
  /** Asks it to end, kills it at the deadline, resolves when it has ended. */
  stop(): Promise<void>;
  /** Tells a running service which release it belongs to. */
  tell(message: object): void;
}

export type ChildState = 'starting' | 'ready' | 'waiting' | 'stopped';

const backoffMs = 200;
const backoffMaxMs = 10_000;
const steadyMs = 30_000;

/** Keeps one process running: restarts it with growing pauses when it dies, replaces it without a gap, stops it. */
export class Child {
  readonly name: string;
  state: ChildState = 'stopped';
  restarts = 0;
  startedAt = 0;
  lastEnd = '';
  private readonly log: Log;
  private readonly onChange: () => void;
  private launch: () => Running;
  private running: Running | undefined;
  private failures = 0;
  private recovering: AbortController | undefined;
  private replacing: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(options: { name: string; log: Log; launch: () => Running; onChange: () => void }) {
    this.name = options.name;
    this.log = options.log;
    this.launch = options.launch;
    this.onChange = options.onChange;
  }

  get pid(): number | undefined {
    return this.state === 'stopped' || this.state === 'waiting' ? undefined : this.running?.pid;
  }

  /** Starts it and resolves when it serves. Throws when it does not: the caller decides what then. */
  async start(): Promise<void> {
    if (this.stopping.signal.aborted) throw startFailed(this.name, 'it was told to end', 'none');
    const running = this.run();
    await running.ready;
    this.becomeReady(running);
  }

  /**
   * Replaces what runs by another launch. Overlapping: both listen on one socket, and the old one drains after the new one serves.
   * Otherwise (it owns a folder) the old one ends first. When the other does not come up, the old launch goes on and this throws.
   */
  async replace(launch: () => Running, overlapping: boolean): Promise<void> {
    const replacing = this.takeOver(launch, overlapping);
    this.replacing = replacing.catch(() => undefined);
    await replacing;
  }

  private async takeOver(launch: () => Running, overlapping: boolean): Promise<void> {
    // What is down or just coming back has nothing to hand over.
    const handsOver = overlapping && this.state === 'ready';
    this.recovering?.abort();
    const [oldLaunch, old] = [this.launch, this.running];
    this.launch = launch;
    this.running = undefined;
    if (!handsOver) await end(old);
    try {
      await this.start();
    } catch (error) {
      this.launch = oldLaunch;
      const failed = this.running as Running | undefined;
      this.running = handsOver ? old : undefined;
      await failed?.stop();
      if (this.stopping.signal.aborted) await end(old);
      else if (handsOver) this.goOn(old);
      else await this.start().catch(() => void this.recover());
      throw error;
    }
    if (handsOver) await old?.stop();
  }

  /** How it is started from here on; what runs goes on. */
  adopt(launch: () => Running): void {
    this.launch = launch;
  }

  tell(message: object): void {
    this.running?.tell(message);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    const running = this.running;
    this.state = 'stopped';
    await end(running);
    await this.replacing;
    this.state = 'stopped';
    this.onChange();
  }

  /** The old process serves again; it may have died while it was not watched. */
  private goOn(old: Running | undefined): void {
    this.becomeReady(old);
    if (old !== undefined) void old.ended.then((how) => this.onEnd(old, how));
  }

  private becomeReady(running: Running | undefined): void {
    if (running === undefined || this.running !== running) return;
    this.state = 'ready';
    this.onChange();
  }

  private run(): Running {
    const running = this.launch();
    this.running = running;
    this.state = 'starting';
    this.startedAt = systemClock.now();
    this.onChange();
    // Whoever awaits the start sees its failure; an end without anybody waiting is handled by the restart.
    running.ready.catch(() => undefined);
    void running.ended.then((how) => this.onEnd(running, how));
    return running;
  }

  private async onEnd(running: Running, how: string): Promise<void> {
    if (this.running !== running || this.stopping.signal.aborted) return;
    const wasReady = this.state === 'ready';
    this.running = undefined;
    this.lastEnd = how;
    this.state = 'waiting';
    this.onChange();
    if (!wasReady) return;
    await this.recover();
  }

  private async recover(): Promise<void> {
    this.recovering = new AbortController();
    const signal = AbortSignal.any([this.recovering.signal, this.stopping.signal]);
    while (!signal.aborted) {
      this.failures = systemClock.now() - this.startedAt > steadyMs ? 0 : this.failures + 1;
      const waitMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.max(0, this.failures - 1));
      this.log.warn({ process: this.name, how: this.lastEnd, waitMs }, 'a process ended, starting it again');
      if (!(await systemClock.sleep(waitMs, signal))) return;
      this.restarts += 1;
      try {
        await this.start();
        return;
      } catch (error) {
        this.lastEnd = messageOf(error);
      }
    }
  }
}

/** Ends a process that no other instance follows. */
async function end(running: Running | undefined): Promise<void> {
  running?.tell({ type: 'ending' });
  await running?.stop();
}

export function startFailed(name: string, reason: string, logFile: string): CommandError {
  return new CommandError({
    code: 'PROCESS_NOT_READY',
    message: `${name} did not start: ${reason}`,
    hint: `its log tells why: ${logFile}, or npx orrery logs ${name}`,
  });
}
