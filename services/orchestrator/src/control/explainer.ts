import type { Redis } from '@orrery/kit/redis';
import { redisFailed } from '../errors.ts';
import { everyPool } from '../consumers.ts';
import { keys } from '../core/keys.ts';
import type { WorkerView } from '../door/types.ts';
import type { RunReader, RunRecord } from '../runs/run-reader.ts';
import {
  explain,
  type ExplainState,
  type Explanation,
  type OpenStep,
  type Pause,
  type PoolState,
  type Share,
} from './explain.ts';
import { endedStates, timeOf, type StepRecord } from './step-record.ts';
import { tellHolders } from './workers-at-work.ts';

export interface ExplainAnswer {
  readonly run: string;
  readonly state: string;
  /** Steps that have not ended, of which the first are explained: what is at work, then what is next, then what waits. */
  readonly openSteps: number;
  readonly explanations: readonly Explanation[];
}

interface Found {
  readonly ref: string;
  readonly record: StepRecord;
}

/** Everything of the run that does not depend on a step. */
interface Surroundings {
  readonly of: RunRecord;
  readonly records: readonly StepRecord[];
  readonly workers: readonly WorkerView[];
  readonly limits: ReadonlyMap<string, number>;
  readonly held: ReadonlyMap<string, number>;
}

export const explainedMax = 200;
const needsShownMax = 10;
const holdersShownMax = 10;
const leasesScannedMax = 2000;
const order = ['running', 'suspended', 'retrying', 'ready', 'waiting'];

/** Reads what `explain` judges by. */
export class Explainer {
  readonly #redis: Redis;
  readonly #reader: RunReader;

  constructor(redis: Redis, reader: RunReader) {
    this.#redis = redis;
    this.#reader = reader;
  }

  /** `workers`: those that are connected to this process and serve the tenant. */
  async explain(tenant: string, run: string, workers: readonly WorkerView[]): Promise<ExplainAnswer> {
    const of = await this.#reader.record(tenant, run);
    const { state } = of.summary;
    if (!['queued', 'running', 'cancelling'].includes(state)) return { run, state, openSteps: 0, explanations: [] };
    const records = await this.#reader.allSteps(of);
    const open = records
      .map((record, number): Found => ({ ref: String(number), record }))
      .filter(({ record }) => !endedStates.includes(record.state))
      .sort((left, right) => order.indexOf(left.record.state) - order.indexOf(right.record.state));
    const shown = [...open.slice(0, explainedMax)];
    const room = explainedMax - shown.length;
    if (room > 0) shown.push(...(await this.#openItems(of, open, room)));
    const snapshot = await this.#snapshot({ of, records, workers }, shown).catch((error: unknown) => {
      throw redisFailed('explaining a run', error);
    });
    return { run, state, openSteps: open.length, explanations: explain(snapshot) };
  }

  /** Items of maps that are let go and have not ended. */
  async #openItems({ shard, run }: RunRecord, open: readonly Found[], most: number): Promise<Found[]> {
    const found: Found[] = [];
    for (const { ref } of open.filter(({ record }) => record.state === 'suspended' && record.on === 'items')) {
      const [released = 0] = await this.#reader.counts(shard, run, [`${ref}r`]);
      const refs = Array.from({ length: Math.min(released, 10_000) }, (_, index) => `${ref}.${index}`);
      for (const [index, record] of (await this.#reader.steps(shard, run, refs)).entries()) {
        if (found.length >= most) return found;
        if (!endedStates.includes(record.state)) found.push({ ref: refs[index] ?? '', record });
      }
    }
    return found;
  }

  async #snapshot(
    given: Pick<Surroundings, 'of' | 'records' | 'workers'>,
    shown: readonly Found[],
  ): Promise<ExplainState> {
    const { of } = given;
    const { shard, run, hash } = of;
    const { tenant, workflow, state, createdAtMs } = of.summary;
    const redis = this.#redis;
    const lane = `${tenant}/${workflow}`;
    const [limits, held, pauses, free, grace, deadline, time] = await Promise.all([
      redis.hgetall(keys.limits(shard)),
      redis.hgetall(keys.held(shard)),
      redis.hmget(keys.paused(shard), `w|${lane}`, `t|${tenant}`),
      redis.hget(keys.budget(shard), tenant),
      redis.zscore(keys.timers(shard), `grace|${run}||0`),
      redis.zscore(keys.timers(shard), `deadline|${run}||0`),
      redis.time(),
    ]);
    const around: Surroundings = { ...given, limits: numbers(limits), held: numbers(held) };
    const steps = await Promise.all(shown.map((each) => this.#step(each, around)));
    const pools = new Map<string, PoolState>();
    for (const { pool } of steps) if (!pools.has(pool)) pools.set(pool, await this.#pool(pool, around));
    const [workflowPause, tenantPause] = pauses.map(readPause);
    const runPause = readPause(hash['paused']);
    const perMinute = around.limits.get(`b|${tenant}`);
    return {
      nowMs: Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000),
      run: {
        ...{ run, state, tenant, workflow, createdMs: createdAtMs, startedMs: timeOf(hash['started']) },
        ...{ active: Number(hash['active']), left: Number(hash['left']) },
        queue: state === 'queued' ? await this.#queue(of) : undefined,
        graceUntilMs: grace === null ? null : Number(grace),
        deadlineMs: deadline === null ? null : Number(deadline),
      },
      paused: {
        ...(runPause === undefined ? {} : { run: runPause }),
        ...(workflowPause === undefined ? {} : { workflow: workflowPause }),
        ...(tenantPause === undefined ? {} : { tenant: tenantPause }),
      },
      tenantShare: shareOf(`t|${tenant}`, around),
      retryBudget: perMinute === undefined ? undefined : { perMinute, freeMs: Number(free ?? 0) },
      pools,
      steps,
    };
  }

  async #queue({ shard, run, hash, summary }: RunRecord) {
    const place = await this.#redis.zrank(keys.queue(shard, summary.tenant, summary.workflow), run);
    const holders = await this.#redis.zrange(
      keys.slots(shard, summary.tenant, summary.workflow),
      '0',
      String(holdersShownMax - 1),
    );
    return place === null ? undefined : { place, holders, slots: Number(hash['runs_max']) };
  }

  async #pool(pool: string, { of, ...around }: Surroundings): Promise<PoolState> {
    const { shard, summary } = of;
    const [base = pool] = pool.split('@');
    const consumers = keys.consumers(shard, pool);
    const [time, line, turn, aside] = await Promise.all([
      this.#redis.time(),
      this.#redis.zcard(keys.ready(shard, pool, summary.tenant)),
      this.#redis.zrank(keys.turn(shard, pool), summary.tenant),
      this.#redis.sismember(keys.aside(shard, summary.tenant), pool),
    ]);
    const found = await this.#redis.zrange(
      consumers,
      Number(time[0]) * 1000,
      '+inf',
      'BYSCORE',
      'LIMIT',
      0,
      holdersShownMax,
    );
    const known = await this.#redis.exists(keys.consumers(shard, everyPool));
    return {
      consumers: found,
      consumersKnown: known === 1,
      line,
      turn: turn ?? undefined,
      isAside: aside === 1,
      share: shareOf(`p|${base}`, around),
    };
  }

  async #step({ ref, record }: Found, around: Surroundings): Promise<OpenStep> {
    const { of, records, workers } = around;
    const { shard, run, plan, summary, hash } = of;
    const profile = plan.profileOf(ref);
    const pool = pinnedPool(profile?.pool ?? '', hash['pins']);
    const needs = ref.includes('.') ? [] : plan.needsOf(Number(ref));
    const open = needs.filter((need) => !['succeeded', 'skipped'].includes(records[need]?.state ?? ''));
    const ended = needs.map((need) => records[need]?.endedMs ?? 0);
    const [progress, approval] = await this.#reader.data(shard, run, [`p:${ref}`, `a:${ref}`]);
    const isReady = record.state === 'ready';
    const place = isReady ? await this.#redis.zrank(keys.ready(shard, pool, summary.tenant), `${run}|${ref}`) : null;
    const atKey = isReady && record.on.startsWith('k|');
    const lease = `${run}|${ref}|${record.fence}|${record.dueMs}`;
    const leaseEnds = record.state === 'running' ? await this.#redis.zscore(keys.leases(shard), lease) : null;
    return {
      ref,
      name: plan.nameOf(ref),
      record,
      pool,
      attemptsMax: profile?.retry['default']?.[0] ?? 1,
      needs: open
        .slice(0, needsShownMax)
        .map((need) => ({ name: plan.nameOf(String(need)), state: records[need]?.state ?? '' })),
      needsLeft: open.length,
      readySinceMs: ended.length === 0 ? timeOf(hash['started']) : timeOf(Math.max(...ended)),
      place: place ?? undefined,
      holders: atKey ? await this.#holdersOf(shard, record.on) : [],
      limit: atKey ? { held: around.held.get(record.on) ?? 0, most: profile?.limit } : undefined,
      leaseEndsMs: leaseEnds === null ? null : Number(leaseEnds),
      worker: profile?.kind === 'task' ? tellHolders(pool, workers) : undefined,
      progress,
      approval: approval as OpenStep['approval'],
      childState: record.on === 'child' ? await this.#stateOf(shard, record.key) : undefined,
      items: record.on === 'items' ? await this.#itemsOf(of, ref) : undefined,
    };
  }

  async #stateOf(shard: string, run: string): Promise<string | undefined> {
    return (await this.#redis.hget(keys.run(shard, run), 'state')) ?? undefined;
  }

  async #itemsOf({ shard, run }: RunRecord, ref: string) {
    const counts = await this.#reader.counts(shard, run, [`${ref}n`, ref, `${ref}f`, `${ref}r`]);
    const [items = 0, ended = 0, failed = 0, released = 0] = counts;
    return { items, ended, failed, released };
  }

  /** The leases that count under a key: `<run> <step>`, the first of them. */
  async #holdersOf(shard: string, scope: string): Promise<string[]> {
    const leases = await this.#redis.zrange(keys.leases(shard), '0', String(leasesScannedMax - 1));
    const tenant = scope.split('|')[1] ?? '';
    const key = scope.slice(`k|${tenant}|`.length);
    const found: string[] = [];
    for (const lease of leases) {
      const [run = '', ref = ''] = lease.split('|');
      const [record] = await this.#reader.steps(shard, run, [ref]);
      if (record?.state !== 'running' || record.key !== key) continue;
      const [owner, definition] = await this.#redis.hmget(keys.run(shard, run), 'tenant', 'definition');
      if (owner !== tenant) continue;
      const plan = await this.#reader.plans.plan(shard, definition ?? '');
      found.push(`${run} ${plan.nameOf(ref)}`);
      if (found.length >= holdersShownMax) break;
    }
    return found;
  }
}

function pinnedPool(pool: string, pins: string | undefined): string {
  if (pins === undefined || pins === '') return pool;
  const build = (JSON.parse(pins) as Record<string, string>)[pool];
  return build === undefined ? pool : `${pool}@${build}`;
}

/** A pause may be known only as such. */
function readPause(text: string | null | undefined): Pause | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  if (!text.startsWith('{')) return { actor: '', reason: '', atMs: null };
  const { actor, reason, atMs } = JSON.parse(text) as Pause;
  return { actor, reason, atMs };
}

function numbers(hash: Readonly<Record<string, string>>): Map<string, number> {
  return new Map(Object.entries(hash).map(([scope, text]) => [scope, Number(text)]));
}

function shareOf(scope: string, { held, limits }: Pick<Surroundings, 'held' | 'limits'>): Share {
  return { held: held.get(scope) ?? 0, most: limits.get(scope) };
}
