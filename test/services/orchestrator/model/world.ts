import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import type { FunctionLibrary } from '@orrery/kit/redis-functions';
import { keys } from '#services/orchestrator/src/core/keys.ts';
import type { ClaimedStep, Ending } from '#services/orchestrator/src/core/step-lease.ts';
import { Transitions } from '#services/orchestrator/src/core/transitions.ts';
import { Bus } from './bus.ts';
import type { Chance } from './chance.ts';
import { readShard } from './dump.ts';
import { HeldState } from './held-state.ts';

export const bounds = {
  lapsesMax: 3,
  queuedRunsMax: 4,
  outboxEventsMax: 400,
  idempotencyKeptMs: 60_000,
  endedRunsKeptMs: 600_000,
  endedRunsMax: 1000,
};

const ticksMax = 2000;

interface Snapshot {
  readonly bytes: readonly (readonly [key: string, value: Buffer])[];
  /** Entries that the store had made. */
  readonly made: number;
}

/** A shard with all who use it: two orchestrators, whatever they were given, the relay's bus, and what was seen of it. */
export class World {
  readonly redis: Redis;
  readonly shard: string;
  readonly chance: Chance;
  readonly bus = new Bus();
  /** Leases in the hands of workers. */
  claims: ClaimedStep[] = [];
  /** What was done, for whoever looks at a failure. */
  readonly told: string[] = [];
  readonly submitted = new Set<string>();
  /** Endings that were answered with accepted, by lease and outcome, and how often. */
  readonly accepted = new Map<string, number>();
  readonly #orchestrators: readonly Transitions[];
  #snapshot: Snapshot | undefined;
  #names = 0;

  constructor(redis: Redis, library: FunctionLibrary, { shard, chance }: { shard: string; chance: Chance }) {
    this.redis = redis;
    this.shard = shard;
    this.chance = chance;
    const orchestrator = (release: string) =>
      new Transitions({ redis, library, release: () => release, random: () => this.chance.share(), bounds });
    this.#orchestrators = [orchestrator('sha256:old'), orchestrator('sha256:young')];
  }

  /** Either of the two. */
  get transitions(): Transitions {
    const found = this.chance.of(this.#orchestrators);
    assert.ok(found !== undefined);
    return found;
  }

  tell(what: string): void {
    this.told.push(what);
  }

  name(): string {
    this.#names += 1;
    return `r${String(this.#names).padStart(4, '0')}`;
  }

  async state(): Promise<HeldState> {
    return new HeldState(await readShard(this.redis, this.shard));
  }

  /** Carries out what calls have left behind and what is due. */
  async tickOut(): Promise<void> {
    for (let ticks = 0; (await this.transitions.tick(this.shard)).more; ticks += 1) {
      assert.ok(ticks < ticksMax, 'what is left behind comes to an end');
    }
  }

  /** Calls, and sometimes again as one that has lost the answer does; the first answer is what was lost. */
  async call<T>(what: string, act: () => Promise<T>): Promise<T> {
    const isLost = this.chance.once(8);
    this.tell(isLost ? `${what}, answer lost, again` : what);
    const first = await act();
    return isLost ? await act() : first;
  }

  /** Hands endings in, and notes which were accepted. */
  async finish(endings: readonly Ending[]): Promise<void> {
    if (endings.length === 0) return;
    const what = endings.map(({ run, ref, outcome }) => `${run}|${ref} ${outcome}`).join(', ');
    const asked = { pools: [], want: 0, leaseMs: 0 };
    await this.call(`finish ${what}`, async () => {
      const { codes } = await this.transitions.exchange(this.shard, asked, endings);
      for (const [index, code] of codes.entries()) {
        const ending = endings[index];
        if (ending === undefined) continue;
        const place = `${ending.run}|${ending.ref}|${ending.fence}|${ending.outcome}`;
        if (code === 'accepted') this.accepted.set(place, (this.accepted.get(place) ?? 0) + 1);
      }
    });
  }

  async remember(): Promise<void> {
    const prefix = keys.prefix(this.shard);
    const names = await this.redis.keys(`${prefix}*`);
    const pipeline = this.redis.pipeline();
    for (const name of names) pipeline.dumpBuffer(name);
    const found = (await pipeline.exec()) ?? [];
    const bytes = names.flatMap((name, index) => {
      const value = found[index]?.[1];
      return Buffer.isBuffer(value) ? [[name, value] as const] : [];
    });
    this.#snapshot = { bytes, made: Number((await this.redis.hget(keys.meta(this.shard), 'seq')) ?? 0) };
    this.tell(`snapshot at ${this.#snapshot.made}`);
  }

  /** The store comes back as it was at the snapshot; what the bus has is applied again. What the bus never had is gone, and nobody knew of it. */
  async loseTail(): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === undefined || this.bus.last < snapshot.made) return;
    this.tell(`the tail after ${snapshot.made} is lost`);
    const { redis, shard } = this;
    const pipeline = redis.pipeline();
    for (const name of await redis.keys(`${keys.prefix(shard)}*`)) pipeline.unlink(name);
    for (const [name, value] of snapshot.bytes) pipeline.restore(name, 0, value);
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
    await this.mend();
    this.#snapshot = undefined;
  }

  /** What the bus has and the store has not is applied again. What neither has is gone, and its workers with it. */
  async mend(): Promise<void> {
    const { redis, shard } = this;
    const made = Number((await redis.hget(keys.meta(shard), 'seq')) ?? 0);
    if (made < this.bus.last) await this.#replayAfter(made);
    while ((await this.bus.publish(this.transitions, shard, { most: 1000, isTold: true })) > 0);
    this.#forgetLost();
    await this.#expireUnheld();
  }

  async #replayAfter(made: number): Promise<void> {
    const { shard } = this;
    this.tell(`repaired from ${made} to ${this.bus.last}`);
    await this.transitions.close(shard, true);
    await assert.rejects(this.transitions.tick(shard), { code: 'SHARD_CLOSED' });
    for (const { text, ...entry } of this.bus.after(made)) {
      const { outcome, made } = await this.transitions.replay(shard, entry);
      assert.equal(outcome, 'applied', `entry ${entry.n}`);
      assert.equal(made, text, `entry ${entry.n} gives itself`);
    }
    assert.equal(await this.transitions.close(shard, false), this.bus.last, 'the store has what the bus has');
  }

  /** Whoever handed in what was lost works for it no more: such a lease runs out. */
  async #expireUnheld(): Promise<void> {
    const held = new Set(this.claims.map(({ run, ref, fence }) => `${run}|${ref}|${fence}`));
    const leases = (await this.state()).inState('running').flatMap(({ run, ref, step }) => {
      const lease = { run: run.id, ref, fence: step.fence, dueMs: step.dueMs, leaseMs: 0, progress: '' };
      return held.has(`${run.id}|${ref}|${step.fence}`) ? [] : [lease];
    });
    await this.transitions.beat(this.shard, leases);
  }

  /** Submissions and endings of which nothing was published have not been. */
  #forgetLost(): void {
    const runs = new Set(this.bus.all().flatMap(({ events }) => events.map(([run]) => String(run))));
    for (const run of this.submitted) if (!runs.has(run)) this.submitted.delete(run);
    const told = this.bus.endings();
    for (const place of this.accepted.keys()) if (!told.has(place)) this.accepted.delete(place);
  }
}
