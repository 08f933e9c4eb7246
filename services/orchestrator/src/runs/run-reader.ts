import type { Redis } from '@orrery/kit/redis';
import { PlanReader, type DefinedPlan } from '../control/plan-reader.ts';
import { readStepRecord, timeOf, type StepRecord } from '../control/step-record.ts';
import { redisFailed, runMissing } from '../errors.ts';
import { keys, shardOfRun, shardOfTenant } from '../core/keys.ts';
import { startOf, type Cursor } from './run-cursor.ts';

export interface RunSummary {
  readonly run: string;
  readonly workflow: string;
  readonly definition: string;
  readonly tenant: string;
  readonly actor: string;
  readonly state: string;
  readonly paused: boolean;
  readonly trigger: string;
  readonly priority: number;
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
}

/** A run as it lies in Redis, with its plan. */
export interface RunRecord {
  readonly shard: string;
  readonly run: string;
  readonly summary: RunSummary;
  readonly hash: Readonly<Record<string, string>>;
  readonly plan: DefinedPlan;
}

export interface RunFilter {
  readonly workflow?: string;
  readonly state?: string;
  readonly actor?: string;
  /** Only runs that were created before. */
  readonly createdBeforeMs?: number;
}

export interface RunPage {
  readonly runs: readonly RunSummary[];
  /** Where the next page begins; undefined at the end. A page may hold fewer runs than asked for and still have a next one. */
  readonly next: Cursor | undefined;
}

const summaryFields = [
  ...['workflow', 'definition', 'tenant', 'actor', 'state', 'paused', 'trigger', 'priority', 'created', 'ended'],
] as const;
/** Most runs that one page looks through: the next page goes on. */
const scannedMax = 5000;
const scanStep = 500;
const recordsStep = 256;

/** Reads what the transitions wrote; changes nothing. */
export class RunReader {
  readonly plans: PlanReader;
  readonly #redis: Redis;
  readonly #shards: readonly string[];

  constructor(redis: Redis, shards: readonly string[]) {
    this.#redis = redis;
    this.#shards = shards;
    this.plans = new PlanReader(redis);
  }

  /** Throws `RUN_NOT_FOUND` also for a run of another tenant: nobody learns what others have. */
  async record(tenant: string, run: string): Promise<RunRecord> {
    const shard = this.shardOf(run);
    const hash = await asked('reading a run', this.#redis.hgetall(keys.run(shard, run)));
    if (hash['tenant'] !== tenant) throw runMissing(run);
    const plan = await this.plans.plan(shard, hash['definition'] ?? '');
    return { shard, run, summary: summaryOf(run, hash), hash, plan };
  }

  async summary(tenant: string, run: string): Promise<RunSummary> {
    const [found] = await this.#summaries(this.shardOf(run), [run]);
    if (found?.tenant !== tenant) throw runMissing(run);
    return found;
  }

  /** The latest runs first. */
  async list(
    tenant: string,
    filter: RunFilter,
    page: { readonly limit: number; readonly from?: Cursor },
  ): Promise<RunPage> {
    const shard = shardOfTenant(tenant, this.#shards);
    const found: RunSummary[] = [];
    let from = startOf(page.from, filter.createdBeforeMs);
    for (let scanned = 0; scanned < scannedMax; scanned += scanStep) {
      const names = await this.#namesFrom(shard, tenant, from);
      const summaries = await this.#summaries(
        shard,
        names.map(({ run }) => run),
      );
      for (const [index, summary] of summaries.entries()) {
        const place = names[index];
        if (place !== undefined) from = place;
        if (summary?.tenant !== tenant || !fits(summary, filter)) continue;
        found.push(summary);
        if (found.length >= page.limit) return { runs: found, next: from };
      }
      if (names.length < scanStep) return { runs: found, next: undefined };
    }
    return { runs: found, next: from };
  }

  /** The records of steps and items, in the order asked for. */
  async steps(shard: string, run: string, refs: readonly string[]): Promise<StepRecord[]> {
    const found: StepRecord[] = [];
    for (let first = 0; first < refs.length; first += recordsStep) {
      const some = refs.slice(first, first + recordsStep);
      const texts = await asked('reading steps', this.#redis.hmget(keys.steps(shard, run), ...some));
      for (const text of texts) found.push(readStepRecord(text));
    }
    return found;
  }

  /** The records of all steps, by number; items of maps are not among them. */
  async allSteps({ shard, run, plan }: Pick<RunRecord, 'shard' | 'run' | 'plan'>): Promise<StepRecord[]> {
    return this.steps(
      shard,
      run,
      plan.steps.map((_, number) => String(number)),
    );
  }

  async counts(shard: string, run: string, fields: readonly string[]): Promise<(number | undefined)[]> {
    return this.#fields(keys.counts(shard, run), fields, Number);
  }

  /** Results, errors and the like: JSON values by field, in the order asked for. */
  async data(shard: string, run: string, fields: readonly string[]): Promise<unknown[]> {
    return this.#fields(keys.data(shard, run), fields, (text) => JSON.parse(text) as unknown);
  }

  shardOf(run: string): string {
    const shard = shardOfRun(run);
    if (shard === undefined || !this.#shards.includes(shard)) throw runMissing(run);
    return shard;
  }

  async #fields<T>(key: string, fields: readonly string[], read: (text: string) => T): Promise<(T | undefined)[]> {
    const found: (T | undefined)[] = [];
    for (let first = 0; first < fields.length; first += recordsStep) {
      const some = fields.slice(first, first + recordsStep);
      const texts = await asked('reading a run', this.#redis.hmget(key, ...some));
      for (const text of texts) found.push(text === null ? undefined : read(text));
    }
    return found;
  }

  async #namesFrom(shard: string, tenant: string, from: Cursor): Promise<Cursor[]> {
    const key = keys.runs(shard, tenant);
    const found: Cursor[] = [];
    const most = Number.isFinite(from.createdMs) ? from.createdMs : '+inf';
    // What has the same time as the last run of the page before is told apart by its name.
    for (let offset = 0; found.length < scanStep; offset += scanStep) {
      const asking = this.#redis.zrange(key, most, '-inf', 'BYSCORE', 'REV', 'LIMIT', offset, scanStep, 'WITHSCORES');
      const flat = await asked('listing runs', asking);
      for (let index = 0; index < flat.length; index += 2) {
        const place = { run: flat[index] ?? '', createdMs: Number(flat[index + 1]) };
        if (place.createdMs < from.createdMs || place.run < from.run) found.push(place);
      }
      if (flat.length < scanStep * 2) break;
    }
    return found.slice(0, scanStep);
  }

  async #summaries(shard: string, runs: readonly string[]): Promise<(RunSummary | undefined)[]> {
    const reading = Promise.all(runs.map((run) => this.#redis.hmget(keys.run(shard, run), ...summaryFields)));
    const found = await asked('listing runs', reading);
    return found.map((values, index) => {
      if (values[0] === null) return undefined;
      const hash = Object.fromEntries(summaryFields.map((field, at) => [field, values[at] ?? '']));
      return summaryOf(runs[index] ?? '', hash);
    });
  }
}

function fits(summary: RunSummary, { workflow, state, actor }: RunFilter): boolean {
  if (workflow !== undefined && summary.workflow !== workflow) return false;
  if (actor !== undefined && summary.actor !== actor) return false;
  return state === undefined || (state === 'paused' ? summary.paused : summary.state === state);
}

async function asked<T>(doing: string, answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw redisFailed(doing, error);
  });
}

function summaryOf(run: string, hash: Readonly<Record<string, string | undefined>>): RunSummary {
  return {
    run,
    workflow: hash['workflow'] ?? '',
    definition: hash['definition'] ?? '',
    tenant: hash['tenant'] ?? '',
    actor: hash['actor'] ?? '',
    state: hash['state'] ?? '',
    paused: (hash['paused'] ?? '') !== '',
    trigger: hash['trigger'] ?? '',
    priority: Number(hash['priority']),
    createdAtMs: Number(hash['created']),
    endedAtMs: timeOf(hash['ended']),
  };
}
