import { Attempt } from './attempt.ts';
import { Attempts } from './attempts.ts';
import { HandIn } from './hand-in.ts';
import type { EndingFrame, FinishCode, ServerFrame, TaskFrame } from './frames.ts';
import { settingsOf, type Settings, type WorkerOptions } from './settings.ts';
import { Socket } from './socket.ts';
import { StepError, type WorkerError } from './step-error.ts';

export interface Worker {
  /** Resolves at the first welcome. */
  readonly ready: Promise<void>;
  /** Resolves after a drain; rejects with a WorkerError when the orchestrator refuses this worker for good. */
  readonly closed: Promise<void>;
  /** Takes nothing more, lets handlers end within their time, gives the rest back, and closes. */
  drain(): Promise<void>;
  counts(): WorkerCounts;
}

export interface WorkerCounts extends Readonly<Record<FinishCode, number>> {
  /** In work. */
  readonly held: number;
  /** Ended, and not answered by the orchestrator. */
  readonly unanswered: number;
  readonly connections: number;
}

const backoffMs = 100;
const backoffMaxMs = 5000;
const handInMs = 5000;
const byeMs = 1000;
/** Until the orchestrator has said how long a lease lasts. */
const leaseMsFirst = 3000;
const tickMsMax = 250;
const ticksPerLease = 12;
const probeMsMin = 1000;

/** Connects, works, and stays until it is drained. */
export function createWorker(options: WorkerOptions): Worker {
  const worker = new ConnectedWorker(settingsOf(options));
  worker.connect();
  return worker;
}

class ConnectedWorker implements Worker {
  readonly #settings: Settings;
  readonly #ready = withResolvers();
  readonly #closed = withResolvers();
  readonly #attempts = new Attempts();
  readonly #handIn = new HandIn((code, ending) => this.#onAnswer(code, ending));
  readonly #answers: Record<FinishCode, number> = { accepted: 0, repeated: 0, stale: 0 };
  readonly #onSignal = () => void this.drain();
  #socket: Socket | undefined;
  #isWelcome = false;
  #wasWelcome = false;
  #connections = 0;
  #failures = 0;
  #leaseMs = leaseMsFirst;
  #window = 0;
  #tick: NodeJS.Timeout | undefined;
  #pingedAtMs = 0;
  /** The orchestrator goes away: this connection is given up once all is answered. */
  #isMoving = false;
  #isDraining = false;
  #drained: Promise<void> | undefined;
  #isClosed = false;
  #waiters: (() => void)[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
    // Whoever awaits only `closed` is told of a refusal once.
    this.ready.catch(() => undefined);
    for (const signal of settings.signals) process.once(signal, this.#onSignal);
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  counts(): WorkerCounts {
    const { size: unanswered } = this.#handIn;
    return { ...this.#answers, held: this.#attempts.size, unanswered, connections: this.#connections };
  }

  connect(): void {
    if (this.#isClosed) return;
    this.#connections += 1;
    this.#isMoving = false;
    const events = {
      onOpen: () => this.#hello(),
      onFrame: (frame: ServerFrame) => this.#onFrame(frame),
      onClose: (reason: string, refusal: WorkerError | undefined) => this.#onClose(reason, refusal),
    };
    this.#socket = new Socket(this.#settings, events, () => performance.now());
  }

  drain(): Promise<void> {
    this.#isDraining = true;
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    const { drainMs, log } = this.#settings;
    log('draining', { held: this.#attempts.size });
    this.#updateWindow();
    await this.#until(() => this.#attempts.size === 0, drainMs);
    for (const attempt of this.#attempts.all()) {
      attempt.abort('draining');
      this.#attempts.remove(attempt);
      this.#handIn.add(attempt.giveBack('the worker stops'));
    }
    await this.#until(() => this.#handIn.isEmpty, handInMs);
    if (!this.#handIn.isEmpty) log('some endings could not be handed in', { count: this.#handIn.size });
    this.#send({ type: 'bye' });
    await this.#until(() => this.#socket?.isOpen !== true, byeMs);
    this.#end(undefined);
  }

  #hello(): void {
    const { pool, build, handlers } = this.#settings;
    this.#window = this.#windowWanted();
    const hello = { type: 'hello', pool, handlers: Object.keys(handlers), build, slots: this.#window };
    this.#socket?.send(JSON.stringify(hello));
  }

  #onFrame(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.#onWelcome(frame.leaseMs);
        break;
      case 'work':
        for (const task of frame.tasks) this.#start(task);
        break;
      case 'accepted':
        this.#handIn.answered(frame.codes);
        this.#notify();
        break;
      case 'lost':
        this.#attempts.beaten(frame.leases, this.#leaseMs);
        break;
      case 'stop':
        this.#attempts.abort(frame.leases, 'stopped');
        break;
      case 'drain':
        this.#isMoving = true;
        this.#notify();
        break;
      case 'error':
        this.#settings.log('the orchestrator refused a frame', frame);
        break;
      default:
      // A later orchestrator may say more; what this worker doesn't know, it needs not.
    }
  }

  #onWelcome(leaseMs: number): void {
    this.#leaseMs = leaseMs;
    this.#isWelcome = true;
    this.#wasWelcome = true;
    this.#failures = 0;
    this.#ready.resolve(undefined);
    clearInterval(this.#tick);
    this.#tick = setInterval(() => this.#onTick(), Math.min(tickMsMax, leaseMs / ticksPerLease));
    this.#handIn.connected((text) => this.#socket?.send(text));
    this.#onTick();
  }

  #start(task: TaskFrame): void {
    const at = { connection: this.#connections, safeUntilMs: performance.now() + this.#leaseMs };
    const attempt = new Attempt(task, at, { nowMs: () => performance.now(), write: this.#settings.log });
    const { handlers } = this.#settings;
    const handler = Object.hasOwn(handlers, task.handler) ? handlers[task.handler] : undefined;
    if (this.#isDraining) {
      this.#handIn.add(attempt.giveBack('the worker stops'));
    } else if (handler === undefined) {
      const message = `this worker has no handler "${task.handler}"; it has ${Object.keys(handlers).join(', ')}`;
      const hint = "correct the step's with.handler, or start workers that have it";
      const missing = new StepError(message, { class: 'unavailable', code: 'HANDLER_MISSING', hint });
      this.#handIn.add(attempt.fail(missing));
    } else {
      this.#attempts.add(attempt);
      void attempt.work(handler).then((ending) => this.#onEnded(attempt, ending));
    }
  }

  #onEnded(attempt: Attempt, ending: EndingFrame): void {
    if (!this.#attempts.remove(attempt)) return;
    const isForeign = attempt.connection !== this.#connections;
    // What came over this connection is ended in any case, because it takes a slot.
    if (!isForeign || attempt.reason !== 'lease-lost') this.#handIn.add(ending);
    if (isForeign) this.#updateWindow();
    this.#notify();
  }

  #onAnswer(code: FinishCode, { run, ref, fence, outcome }: EndingFrame): void {
    this.#answers[code] += 1;
    if (code !== 'stale' || outcome === 'returned') return;
    this.#settings.log('an ending was refused: the lease was lost', { run, ref, fence, outcome });
  }

  #onTick(): void {
    const nowMs = performance.now();
    this.#attempts.check(nowMs);
    const socket = this.#socket;
    if (socket === undefined || !this.#isWelcome) return;
    const isAnswered = this.#attempts.beat(nowMs, this.#leaseMs, (frame) => this.#send(frame));
    const probeMs = Math.max(probeMsMin, this.#leaseMs);
    const isSilent = nowMs - socket.heardAtMs > probeMs;
    if (!isSilent) this.#pingedAtMs = 0;
    else if (this.#pingedAtMs === 0) {
      this.#pingedAtMs = nowMs;
      socket.ping();
    }
    const isDead = isSilent && this.#pingedAtMs !== 0 && nowMs - this.#pingedAtMs > probeMs;
    if (!isAnswered || isDead) socket.terminate('the orchestrator does not answer');
  }

  #onClose(reason: string, refusal: WorkerError | undefined): void {
    this.#isWelcome = false;
    this.#pingedAtMs = 0;
    this.#handIn.disconnected();
    this.#attempts.disconnected();
    this.#notify();
    if (this.#isClosed) return;
    if (refusal !== undefined && !this.#wasWelcome) {
      this.#end(refusal);
      return;
    }
    const ceilingMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(this.#failures, 10));
    const waitMs = Math.random() * ceilingMs;
    this.#failures += 1;
    const { size: held } = this.#attempts;
    this.#settings.log('the connection ended, connecting again', { reason, waitMs: Math.round(waitMs), held });
    setTimeout(() => this.connect(), waitMs);
  }

  #windowWanted(): number {
    const { slots } = this.#settings;
    return this.#isDraining ? 0 : Math.max(0, slots - this.#attempts.countOthers(this.#connections));
  }

  #updateWindow(): void {
    const free = this.#windowWanted();
    if (free === this.#window || !this.#isWelcome) return;
    this.#window = free;
    this.#send({ type: 'slots', free });
  }

  #send(frame: object): void {
    if (this.#isWelcome) this.#socket?.send(JSON.stringify(frame));
  }

  #end(refusal: WorkerError | undefined): void {
    this.#isClosed = true;
    clearInterval(this.#tick);
    this.#socket?.terminate('drained');
    for (const signal of this.#settings.signals) process.removeListener(signal, this.#onSignal);
    if (refusal === undefined) this.#closed.resolve(undefined);
    else {
      this.#ready.reject(refusal);
      this.#closed.reject(refusal);
    }
  }

  #notify(): void {
    if (this.#isMoving && this.#handIn.isEmpty) this.#socket?.close();
    for (const waiter of this.#waiters) waiter();
  }

  /** Waits until the condition holds, looked at whenever something changed; at most so long. */
  async #until(condition: () => boolean, withinMs: number): Promise<void> {
    if (condition()) return;
    const done = withResolvers();
    const waiter = () => {
      if (condition()) done.resolve(undefined);
    };
    this.#waiters.push(waiter);
    const timer = setTimeout(() => done.resolve(undefined), withinMs);
    await done.promise;
    clearTimeout(timer);
    this.#waiters = this.#waiters.filter((each) => each !== waiter);
  }
}

function withResolvers(): PromiseWithResolvers<undefined> {
  return Promise.withResolvers<undefined>();
}
