import { messageOf, OrreryError } from '@orrery/kit/errors';
import type { RawData, WebSocket } from 'ws';
import type { Admitted } from './admission.ts';
import { endingOf } from './endings.ts';
import { frameBytesMax, readFrame, refused, type Hello } from './frames.ts';
import type { GivenBeat, GivenEnding } from './frames.ts';
import { keyOf, leaseOf } from './leases.ts';
import type { Line, Seat } from './line.ts';
import { asBuffer, closing, Outbox, type TaskFrame, type WorkerSocket } from './outbox.ts';
import { assertProgress, renew } from './renewal.ts';
import { Slots } from './slots.ts';
import type { Claimed, DoorOptions, Lease, Resolved, WorkerView } from './types.ts';

export interface ConnectionDeps {
  readonly options: DoorOptions;
  /** Finds or opens the lines of a worker, one a shard. */
  readonly join: (connection: Connection, hello: Hello) => readonly Line[];
  readonly left: (connection: Connection) => void;
}

/** A worker that reads so slowly is given nothing more. */
const unsentBytesMax = 4 * 1024 * 1024;

/** One worker's connection: what it was given, and what it hands in. */
export class Connection implements Seat {
  readonly worker: string;
  readonly admitted: Admitted;
  handlers: ReadonlySet<string> = new Set();
  readonly #socket: WebSocket;
  readonly #deps: ConnectionDeps;
  readonly #outbox: Outbox;
  readonly #sinceMs: number;
  #hello: Hello | undefined;
  #lines: readonly Line[] | undefined;
  /** Given over this connection and not ended: these take slots. */
  readonly #given = new Map<string, Line>();
  /** Given over an earlier connection, and found to be this tenant's. */
  readonly #adopted = new Map<string, Line>();
  readonly #slots = new Slots();
  #beats: Promise<void> = Promise.resolve();
  #beatsUnanswered = 0;
  #isStopping = false;
  #isHeard = true;

  constructor(connected: WorkerSocket, worker: string, admitted: Admitted, deps: ConnectionDeps) {
    const { socket } = connected;
    this.#socket = socket;
    this.worker = worker;
    this.admitted = admitted;
    this.#deps = deps;
    this.#sinceMs = deps.options.now();
    this.#outbox = new Outbox(connected, (task, bytes) => this.#failTooLarge(task, bytes));
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('pong', () => (this.#isHeard = true));
    socket.on('error', (error) => deps.options.log.info({ worker, reason: error.message }, 'a worker was cut off'));
    socket.on('close', () => this.#onClose());
  }

  get isOpen(): boolean {
    return this.#outbox.isOpen;
  }

  view(): WorkerView | undefined {
    if (this.#hello === undefined) return undefined;
    const { pool, build } = this.#hello;
    const held = this.#given.size + this.#adopted.size;
    const { worker, handlers } = this;
    const { tenant } = this.admitted;
    return {
      worker,
      tenant,
      pool,
      build,
      handlers: [...handlers],
      slots: this.#slots.window,
      held,
      sinceMs: this.#sinceMs,
    };
  }

  free(): number {
    if (this.#isStopping || !this.isOpen || this.#socket.bufferedAmount > unsentBytesMax) return 0;
    return this.#slots.free(this.#given.size);
  }

  offer(line: Line): number {
    return this.#slots.offer(line, this.free());
  }

  setAside(count: number): void {
    this.#slots.aside += count;
  }

  freed(): void {
    if (this.#lines === undefined || this.free() === 0) return;
    for (const line of this.#lines) if (this.#slots.isWantedBy(line)) line.port.wake();
  }

  give(claimed: Claimed, resolved: Resolved, line: Line): void {
    const { run, ref, fence, attempt, tenant, workflow, dueMs } = claimed;
    const { handler, input, step, deadlineMs, heartbeatMs = 0 } = resolved;
    this.#given.set(keyOf(claimed), line);
    const lease = { run, ref, fence, dueMs };
    this.#outbox.push({ ...lease, attempt, handler, input, tenant, workflow, step, deadlineMs, heartbeatMs });
  }

  /** Says that this orchestrator goes away: the worker hands in what is ready, says bye, and connects again elsewhere. */
  drain(): void {
    this.#isStopping = true;
    this.#outbox.send({ type: 'drain' });
  }

  close(): void {
    this.#socket.close(closing.goingAway, 'the orchestrator stops');
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** Asks for a sign of life; ends a connection that gave none since it was last asked. */
  probe(): void {
    if (!this.#isHeard) {
      this.#socket.terminate();
      return;
    }
    this.#isHeard = false;
    if (this.isOpen) this.#socket.ping();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#isHeard = true;
    if (!this.isOpen) return;
    try {
      const frame = readFrame(asBuffer(data), isBinary);
      if (frame.type === 'hello') {
        this.#onHello(frame);
        return;
      }
      if (this.#lines === undefined) throw refused('FRAME_ORDER', `${frame.type} came before hello`, 'say hello first');
      if (frame.type === 'done') this.#onDone(frame.endings);
      else if (frame.type === 'beat') this.#onBeat(frame.leases);
      else if (frame.type === 'slots') this.#onSlots(frame.free);
      else this.#onBye();
    } catch (error) {
      this.#refuse(error);
    }
  }

  #onHello(hello: Hello): void {
    if (this.#hello !== undefined) throw refused('FRAME_ORDER', 'hello came twice', 'say hello once a connection');
    this.#hello = hello;
    this.handlers = new Set(hello.handlers);
    this.#slots.window = hello.slots;
    this.#lines = this.#deps.join(this, hello);
    const { leaseMs } = this.#deps.options;
    this.#outbox.send({ type: 'welcome', worker: this.worker, leaseMs, tenant: this.admitted.tenant });
    this.freed();
  }

  #onDone(endings: readonly GivenEnding[]): void {
    const strays: [GivenEnding, number][] = [];
    const known: [GivenEnding, number, Line][] = [];
    for (const given of endings) {
      const place = this.#outbox.answers.open();
      const line = this.#release(keyOf(given));
      if (line === undefined) strays.push([given, place]);
      else known.push([given, place, line]);
    }
    // The slots are free before the first ending goes out, so that the next claim goes with it.
    for (const [given, place, line] of known) this.#finish(given, place, line);
    for (const [given, place] of strays) void this.#finishStray(given, place);
    this.freed();
  }

  #release(key: string): Line | undefined {
    const line = this.#given.get(key) ?? this.#adopted.get(key);
    this.#given.delete(key);
    this.#adopted.delete(key);
    return line;
  }

  #finish(given: GivenEnding, place: number, line: Line): void {
    line.port
      .finish(endingOf(given, this.#deps.options.resultBytesMax))
      .then((code) => this.#outbox.answer(place, code))
      .catch((error: unknown) => this.#fail('an ending could not be handed in', error));
  }

  async #finishStray(given: GivenEnding, place: number): Promise<void> {
    try {
      const line = await this.#adopt(given);
      this.#adopted.delete(keyOf(given));
      if (line === undefined) this.#outbox.answer(place, 'stale');
      else this.#finish(given, place, line);
    } catch (error) {
      this.#fail('the owner of a run could not be looked up', error);
    }
  }

  /** The line by which a lease of an earlier connection is renewed and ended; undefined when it is not this tenant's. */
  async #adopt(lease: Lease): Promise<Line | undefined> {
    const key = keyOf(lease);
    const known = this.#given.get(key) ?? this.#adopted.get(key);
    if (known !== undefined || this.#lines === undefined) return known;
    const { run, ref, fence } = lease;
    const { tenantOf, shardOfRun, log } = this.#deps.options;
    const shard = shardOfRun(run);
    const line = this.#lines.find(({ place }) => place.shard === shard);
    const tenant = line === undefined ? undefined : await tenantOf(run);
    if (line === undefined || tenant === undefined || !line.serves(tenant)) {
      log.warn({ worker: this.worker, run, ref, fence }, 'a worker named a lease that its tenant was never given');
      return undefined;
    }
    this.#adopted.set(key, line);
    return line;
  }

  #onBeat(beats: readonly GivenBeat[]): void {
    assertProgress(beats);
    this.#beats = this.#beats.then(() => this.#beat(beats));
  }

  /** Without an answer the worker counts its leases as lost when their time is over. */
  async #beat(beats: readonly GivenBeat[]): Promise<void> {
    this.#beatsUnanswered += 1;
    try {
      const { lost, stop } = await renew(beats, (lease) => this.#given.get(keyOf(lease)) ?? this.#adopt(lease));
      if (stop.length > 0) this.#outbox.send({ type: 'stop', leases: stop, graceMs: this.#deps.options.graceMs });
      for (const lease of lost) this.#adopted.delete(keyOf(lease));
      // What is held was held before: beats that failed are answered together with the first that did not.
      for (; this.#beatsUnanswered > 1; this.#beatsUnanswered -= 1) this.#outbox.send({ type: 'lost', leases: [] });
      this.#beatsUnanswered = 0;
      this.#outbox.send({ type: 'lost', leases: lost });
    } catch (error) {
      const told = { worker: this.worker, leases: beats.length, reason: messageOf(error) };
      this.#deps.options.log.warn(told, 'a beat failed');
    }
  }

  #onSlots(free: number): void {
    this.#slots.window = free;
    this.freed();
  }

  #onBye(): void {
    this.#isStopping = true;
    for (const [key, line] of this.#given) line.giveBack(leaseOf(key), 'WORKER_LEFT: the worker said bye');
    this.#given.clear();
    this.#outbox.leave();
  }

  #failTooLarge(task: TaskFrame, bytes: number): void {
    const message = `the input has ${bytes} bytes, the bound of a frame is ${frameBytesMax}`;
    const hint = 'hand over a digest of the store instead of the data';
    this.#release(keyOf(task))?.fail(task, refused('INPUT_TOO_LARGE', message, hint), 'inputs');
    this.freed();
  }

  #refuse(error: unknown): void {
    const known = error instanceof OrreryError ? error : undefined;
    const { code = 'INTERNAL', hint = 'the cause is in the log of the orchestrator' } = known ?? {};
    const message = known?.message ?? 'the orchestrator failed';
    const { log } = this.#deps.options;
    log.warn({ worker: this.worker, code, reason: messageOf(error) }, 'a frame was refused');
    this.#outbox.send({ type: 'error', code, message, hint });
    const status = known === undefined ? closing.failed : closing.refused;
    this.#socket.close(code === 'FRAME_TOO_LARGE' ? closing.tooLarge : status, code);
  }

  #fail(message: string, error: unknown): void {
    this.#deps.options.log.warn({ worker: this.worker, reason: messageOf(error) }, message);
    this.#socket.close(closing.failed, 'CORE_UNAVAILABLE');
  }

  #onClose(): void {
    // What never left, nobody works on; the other leases run out, or are handed in over another connection.
    for (const task of this.#outbox.takeUnsent()) {
      this.#release(keyOf(task))?.giveBack(task, 'WORKER_LEFT: the connection ended before the step was sent');
    }
    this.#deps.left(this);
  }
}
