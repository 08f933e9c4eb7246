import type { Workflow } from '@orrery/contracts/definitions/workflow';
import type { Redis } from '@orrery/kit/redis';
import { redisFailed, runMissing, stateUnexpected } from './errors.ts';
import { keys, shardOfRun, shardOfTenant } from './keys.ts';

export interface StepView {
  readonly name: string;
  readonly uses: string;
  readonly state: string;
  readonly attempt: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly progress?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

export interface RunSummary {
  readonly run: string;
  readonly workflow: string;
  readonly definition: string;
  readonly tenant: string;
  readonly actor: string;
  readonly state: string;
  readonly trigger: string;
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
}

export interface RunView extends RunSummary {
  readonly parameters: unknown;
  readonly logicalTime: string;
  readonly startedAtMs: number | null;
  /** How many transitions the run has made: the history is whole when it has as many events. */
  readonly sequence: number;
  readonly steps: readonly StepView[];
}

interface StepRecord {
  readonly state: string;
  readonly attempt: number;
  readonly started: number;
  readonly ended: number;
}

/** Most runs that a listing looks through. */
const scannedMax = 2000;
const pageRuns = 200;
const definitionsKeptMax = 200;

/** Reads what the transitions wrote; changes nothing. */
export class RunReader {
  readonly #redis: Redis;
  readonly #shards: readonly string[];
  /** Definitions never change under their digest. */
  readonly #definitions = new Map<string, Workflow>();

  constructor(redis: Redis, shards: readonly string[]) {
    this.#redis = redis;
    this.#shards = shards;
  }

  /** Throws `RUN_NOT_FOUND` also for a run of another tenant: nobody learns what others have. */
  async run(tenant: string, run: string): Promise<RunView> {
    const shard = this.shardOf(run);
    // One connection answers in order: the steps are at least as recent as the run.
    const [hash, records, data] = await asked(
      'reading a run',
      Promise.all([
        this.#redis.hgetall(keys.run(shard, run)),
        this.#redis.hgetall(keys.steps(shard, run)),
        this.#redis.hgetall(keys.data(shard, run)),
      ]),
    );
    if (hash['tenant'] !== tenant) throw runMissing(run);
    const definition = await this.definition(shard, hash['definition'] ?? '');
    return {
      ...summaryOf(run, hash),
      parameters: JSON.parse(hash['parameters'] ?? '{}') as unknown,
      logicalTime: new Date(Number(hash['logical'])).toISOString(),
      startedAtMs: timeOf(hash['started']),
      sequence: Number(hash['sequence']),
      steps: definition.steps.map((step) => stepView(step, records[step.name], data)),
    };
  }

  /** The latest runs first. */
  async list(tenant: string, wanted: { workflow?: string; state?: string; limit: number }): Promise<RunSummary[]> {
    const shard = shardOfTenant(tenant, this.#shards);
    const found: RunSummary[] = [];
    for (let offset = 0; offset < scannedMax && found.length < wanted.limit; offset += pageRuns) {
      const page = this.#redis.zrevrange(keys.runs(shard, tenant), offset, offset + pageRuns - 1);
      const names = await asked('listing runs', page);
      const pending = Promise.all(names.map((name) => this.#redis.hgetall(keys.run(shard, name))));
      const hashes = await asked('listing runs', pending);
      for (const [index, hash] of hashes.entries()) {
        if (hash['tenant'] !== tenant) continue;
        if (wanted.workflow !== undefined && hash['workflow'] !== wanted.workflow) continue;
        if (wanted.state !== undefined && hash['state'] !== wanted.state) continue;
        found.push(summaryOf(names[index] ?? '', hash));
      }
      if (names.length < pageRuns) break;
    }
    return found.slice(0, wanted.limit);
  }

  /** The definition that a run keeps for life. */
  async definition(shard: string, digest: string): Promise<Workflow> {
    const known = this.#definitions.get(digest);
    if (known !== undefined) return known;
    const text = await asked('reading a definition', this.#redis.hget(keys.definition(shard, digest), '$text'));
    if (text === null) throw stateUnexpected(`the definition ${digest}`, text);
    const definition = JSON.parse(text) as Workflow;
    const [oldest] = this.#definitions.keys();
    if (this.#definitions.size >= definitionsKeptMax && oldest !== undefined) this.#definitions.delete(oldest);
    this.#definitions.set(digest, definition);
    return definition;
  }

  /** The results of steps that have succeeded, of those asked for. */
  async results(run: string, steps: readonly string[]): Promise<Map<string, unknown>> {
    if (steps.length === 0) return new Map();
    const fields = steps.map((step) => `r:${step}`);
    const texts = await asked('reading results', this.#redis.hmget(keys.data(this.shardOf(run), run), ...fields));
    const found = steps.map((step, index) => [step, texts[index]] as const);
    return new Map(found.flatMap(([step, text]) => (typeof text === 'string' ? [[step, JSON.parse(text)]] : [])));
  }

  shardOf(run: string): string {
    const shard = shardOfRun(run);
    if (shard === undefined || !this.#shards.includes(shard)) throw runMissing(run);
    return shard;
  }
}

async function asked<T>(doing: string, answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw redisFailed(doing, error);
  });
}

function summaryOf(run: string, hash: Record<string, string>): RunSummary {
  return {
    run,
    workflow: hash['workflow'] ?? '',
    definition: hash['definition'] ?? '',
    tenant: hash['tenant'] ?? '',
    actor: hash['actor'] ?? '',
    state: hash['state'] ?? '',
    trigger: hash['trigger'] ?? '',
    createdAtMs: Number(hash['created']),
    endedAtMs: timeOf(hash['ended']),
  };
}

function stepView(step: Workflow['steps'][number], text: string | undefined, data: Record<string, string>): StepView {
  const record = JSON.parse(text ?? '{}') as StepRecord;
  const part = (kind: string) => {
    const found = data[`${kind}:${step.name}`];
    return found === undefined ? undefined : (JSON.parse(found) as unknown);
  };
  const [progress, result, error] = [part('p'), part('r'), part('e')];
  return {
    name: step.name,
    uses: step.uses,
    state: record.state,
    attempt: record.attempt,
    startedAtMs: timeOf(record.started),
    endedAtMs: timeOf(record.ended),
    ...(progress === undefined ? {} : { progress }),
    ...(result === undefined ? {} : { result }),
    ...(error === undefined ? {} : { error }),
  };
}

function timeOf(value: string | number | undefined): number | null {
  const time = Number(value ?? 0);
  return time === 0 ? null : time;
}
