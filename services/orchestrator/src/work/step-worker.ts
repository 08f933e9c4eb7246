import type { Clock } from '@orrery/kit/clock';
import { messageOf } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import { attemptStep, type AttemptDeps } from './attempt.ts';
import { HeldAttempt, type WorkKind } from './held-attempt.ts';
import { shardOfRun } from '../core/keys.ts';
import { Loop } from '../loop.ts';
import type { OrchestratorMetrics } from '../metrics.ts';
import { PoolClient } from '../core/pool-client.ts';
import { Room } from './room.ts';
import type { ClaimedStep, Ending, Held } from '../core/step-lease.ts';
import { beatsMax, type Transitions } from '../core/transitions.ts';

export interface KindBounds {
  /** At the same time in this process; 0 leaves the kind to others. */
  readonly stepsMax: number;
  /** How long a lease lasts between beats. */
  readonly leaseMs: number;
  /** The lines that are asked, in this order. Default: the one that has the kind's name. */
  readonly pools?: readonly string[];
}

export interface WorkerDeps extends AttemptDeps {
  readonly shards: readonly string[];
  readonly transitions: Pick<Transitions, 'exchange' | 'beat'>;
  readonly bounds: Readonly<Record<WorkKind, KindBounds>>;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Pick<OrchestratorMetrics, 'claims' | 'finishes' | 'stale' | 'held' | 'stepSeconds'>;
}

/** One kind of work: a client for each shard, and the room that they share. */
interface Line {
  readonly kind: WorkKind;
  readonly pools: readonly string[];
  readonly clients: Map<string, PoolClient>;
  readonly room: Room;
  readonly held: Set<HeldAttempt>;
}

const kinds: readonly WorkKind[] = ['http', 'sql', 'process', 'inner'];
/** Beats in the time of a lease: two may be lost. */
const beatsPerLease = 3;
const drainPollMs = 20;
/** How long the ends of attempts that were stopped may take to be booked: with Redis away they never are. */
const bookMs = 5000;

/** Takes steps, carries them out under leases, and hands in how they ended. */
export class Worker {
  readonly #deps: WorkerDeps;
  readonly #lines: readonly Line[];
  readonly #beats: Loop;
  #exchanges = 0;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    const { clock, random, log, bounds } = deps;
    const beatMs = Math.min(...kinds.map((kind) => bounds[kind].leaseMs)) / beatsPerLease;
    this.#beats = new Loop({ name: 'beat', idleMs: beatMs, round: () => this.#beat(), clock, random, log });
    this.#lines = kinds.filter((kind) => bounds[kind].stepsMax > 0).map((kind) => this.#open(kind));
  }

  start(): void {
    this.#beats.start();
    for (const { kind, clients } of this.#lines) {
      for (const client of clients.values()) client.take(this.#deps.bounds[kind].stepsMax);
    }
  }

  /** A pool of a shard may have work again. Without names: anything may, or may have been withdrawn. */
  wake(shard?: string, pool?: string): void {
    for (const { pools, clients } of this.#lines) {
      if (pool !== undefined && !pools.includes(pool)) continue;
      for (const [place, client] of clients) if (shard === undefined || place === shard) client.wake();
    }
    if (pool === undefined) this.#beats.wake();
  }

  /**
   * Takes nothing more, lets attempts end within their time, and gives the rest back unfinished: a call to a peer is taken up by
   * whoever claims it next, a program would have to begin again and is given longer.
   */
  async drain(waits: Readonly<Record<WorkKind, number>>): Promise<void> {
    const { clock } = this.#deps;
    for (const { clients } of this.#lines) for (const client of clients.values()) client.stop();
    const startedAtMs = clock.now();
    const giveUpAtMs = startedAtMs + Math.max(...Object.values(waits)) + bookMs;
    while ((this.#exchanges > 0 || this.#lines.some(({ held }) => held.size > 0)) && clock.now() < giveUpAtMs) {
      for (const { kind, held } of this.#lines) {
        if (clock.now() - startedAtMs >= waits[kind]) held.forEach((each) => each.stop('draining'));
      }
      await clock.sleep(drainPollMs);
    }
    await this.#beats.stop();
    for (const { held } of this.#lines) for (const each of held) each.close();
  }

  #open(kind: WorkKind): Line {
    const { shards, bounds, pollMs, clock, random, log } = this.#deps;
    const { stepsMax, leaseMs, pools = [kind] } = bounds[kind];
    const clients = new Map<string, PoolClient>();
    const line: Line = { kind, pools, clients, room: new Room(stepsMax), held: new Set() };
    for (const shard of shards) {
      const client = new PoolClient({
        ...{ shard, pools, leaseMs, pollMs, clock, random, log },
        transitions: { exchange: (place, asked, endings) => this.#exchange(line, { shard: place, ...asked }, endings) },
        onWork: (claimed, safeUntilMs) => {
          for (const each of claimed) void this.#work(each, { line, client, safeUntilMs });
        },
      });
      clients.set(shard, client);
    }
    return line;
  }

  /** Asks for as much as there is room for in all. */
  async #exchange(
    { room }: Line,
    asked: {
      readonly shard: string;
      readonly pools: readonly string[];
      readonly want: number;
      readonly leaseMs: number;
    },
    endings: readonly Ending[],
  ): ReturnType<Transitions['exchange']> {
    const want = room.reserve(asked.want);
    // Other shards have all the room: the client looks again when it is woken.
    if (want === 0 && endings.length === 0) return { codes: [], claimed: [] };
    let claimed = 0;
    this.#exchanges += 1;
    try {
      const answer = await this.#deps.transitions.exchange(asked.shard, { ...asked, want }, endings);
      claimed = answer.claimed.length;
      return answer;
    } finally {
      room.giveBack(want - claimed);
      // The client hands out what it was given in the same turn.
      setImmediate(() => (this.#exchanges -= 1));
    }
  }

  async #work(
    claimed: ClaimedStep,
    place: { readonly line: Line; readonly client: PoolClient; readonly safeUntilMs: number },
  ): Promise<void> {
    const { clock, metrics, log, bounds } = this.#deps;
    const { line, client, safeUntilMs } = place;
    const { kind } = line;
    const startedAtMs = clock.now();
    const held = new HeldAttempt(claimed, { kind, leaseMs: bounds[kind].leaseMs, safeUntilMs, nowMs: startedAtMs });
    line.held.add(held);
    metrics.claims.inc({ kind });
    metrics.held.set({ kind }, line.held.size);
    let ending: Ending | undefined;
    try {
      ending = await attemptStep(claimed, this.#deps, {
        signal: held.signal,
        report: (progress) => held.tell(progress, clock.now()),
        started: ({ defined }) => held.expect((defined.timeouts?.heartbeatSeconds ?? 0) * 1000),
      });
    } catch (error) {
      // The lease runs out by itself, and the step is tried again.
      log.error({ ...nameOf(claimed), reason: messageOf(error) }, 'an attempt came to no end');
    }
    held.ending = true;
    const booked = ending === undefined ? undefined : this.#finish(client, ending, claimed);
    // The next step comes with the same call that takes this one's end.
    line.room.giveBack(1);
    client.take(1);
    if (this.#deps.shards.length > 1) for (const other of line.clients.values()) other.wake();
    const outcome = ending?.outcome ?? 'abandoned';
    metrics.finishes.inc({ kind, outcome });
    metrics.stepSeconds.observe({ kind, outcome }, (clock.now() - startedAtMs) / 1000);
    await booked;
    held.close();
    line.held.delete(held);
    metrics.held.set({ kind }, line.held.size);
  }

  async #finish(client: PoolClient, ending: Ending, claimed: ClaimedStep): Promise<void> {
    const { log, metrics } = this.#deps;
    const named = { ...nameOf(claimed), attempt: claimed.attempt };
    if ((await client.finish(ending)) === 'stale') {
      metrics.stale.inc();
      log.warn(named, 'a late result was refused: the lease was lost');
    } else if (ending.outcome === 'failed') {
      log.warn({ ...named, class: ending.class, reason: ending.reason }, 'an attempt failed');
    }
  }

  async #beat(): Promise<boolean> {
    const all = this.#lines.flatMap(({ held }) => [...held]);
    const { clock, shards } = this.#deps;
    for (const held of all) if (held.isSilent(clock.now())) held.stop('heartbeat');
    try {
      for (const shard of shards) {
        await this.#beatShard(
          shard,
          all.filter(({ claimed }) => shardOfRun(claimed.run) === shard),
        );
      }
    } finally {
      // Without an answer from Redis another may hold the lease by now: what goes on would be done twice.
      for (const held of all) if (clock.now() > held.safeUntilMs) this.#lose(held);
    }
    return false;
  }

  /** Also those that are about to end: their lease must hold until their end is booked. */
  async #beatShard(shard: string, all: readonly HeldAttempt[]): Promise<void> {
    const { transitions, clock } = this.#deps;
    for (let first = 0; first < all.length; first += beatsMax) {
      const some = all.slice(first, first + beatsMax);
      const safeFromMs = clock.now();
      const beats = some.map((held) => ({ ...leaseOf(held), leaseMs: held.leaseMs, progress: held.takeProgress() }));
      const answers = await transitions.beat(shard, beats);
      for (const [index, held] of some.entries()) this.#heed(held, answers[index] ?? 'lost', safeFromMs);
    }
  }

  #heed(held: HeldAttempt, answer: Held, safeFromMs: number): void {
    if (answer === 'lost') this.#lose(held);
    else held.safeUntilMs = safeFromMs + held.leaseMs;
    if (answer === 'stopping') held.stop('stopping');
  }

  #lose(held: HeldAttempt): void {
    if (held.signal.aborted || held.ending) return;
    this.#deps.log.info(nameOf(held.claimed), 'the lease is lost: the attempt is ended');
    held.stop('lease-lost');
  }
}

function nameOf({ run, ref, fence }: ClaimedStep): Pick<ClaimedStep, 'run' | 'ref' | 'fence'> {
  return { run, ref, fence };
}

function leaseOf({ claimed: { run, ref, fence, dueMs } }: HeldAttempt) {
  return { run, ref, fence, dueMs };
}
