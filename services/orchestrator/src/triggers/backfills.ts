import { messageOf, OrreryError } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import {
  backfillName,
  backfillTrigger,
  estimateBackfill,
  pastRunsAsked,
  planBackfill,
  type BackfillEstimate,
  type BackfillRequest,
  type PastRun,
} from './backfill.ts';
import type { DueTimes } from './clock.ts';
import { triggeredRunName } from './identity.ts';
import type { ResolveParameters, ShardOf, Submitter, TriggeredSubmission, TriggerPlace } from './types.ts';

/** What people have asked of a backfill. It is kept apart from the progress, so that neither is written over the other. */
export type BackfillWish = 'run' | 'pause' | 'cancel';

export interface BackfillProgress {
  /** Logical times that are decided, from the first in the order of the plan. */
  readonly decided: number;
  /** Of these, the runs that may still be running. */
  readonly open: readonly string[];
  readonly accepted: number;
  /** Were there before, or were started by a call whose answer was lost. */
  readonly known: number;
  /** Could not start: the workflow is paused or can not run here. */
  readonly left: number;
  readonly ended: boolean;
}

export interface BackfillRecord {
  readonly id: string;
  readonly actor: string;
  readonly request: BackfillRequest;
  readonly progress: BackfillProgress;
  readonly wish: BackfillWish;
}

export interface BackfillStore {
  /** False when there is one of that id already. */
  create(record: Omit<BackfillRecord, 'progress' | 'wish'>): Promise<boolean>;
  find(tenant: string, id: string): Promise<BackfillRecord | undefined>;
  /** Those that have not ended. */
  active(): Promise<readonly { readonly tenant: string; readonly id: string }[]>;
  wish(tenant: string, id: string, wish: BackfillWish): Promise<void>;
  save(record: BackfillRecord): Promise<void>;
  /** Takes or renews the right to carry it on; false while another holds it. */
  lease(record: { readonly tenant: string; readonly id: string }, leaseMs: number): Promise<boolean>;
}

export interface BackfillRuns {
  /** Which of the runs are there, in order. */
  exist(tenant: string, runs: readonly string[]): Promise<readonly boolean[]>;
  /** Which of the runs have ended or are gone, in order. */
  ended(tenant: string, runs: readonly string[]): Promise<readonly boolean[]>;
}

export interface BackfillsDeps {
  readonly store: BackfillStore;
  readonly runs: BackfillRuns;
  readonly submitter: Submitter;
  readonly pastDurations: (tenant: string, workflow: string, most: number) => Promise<readonly PastRun[]>;
  /** The times and parameters of a clocked trigger; undefined when the catalogue has none of that name. */
  readonly trigger: (
    place: TriggerPlace,
  ) => { readonly times: DueTimes; readonly parameters: Readonly<Record<string, unknown>> } | undefined;
  readonly resolve: ResolveParameters;
  readonly shardOf: ShardOf;
  readonly log: Log;
}

const leaseMs = 10_000;
const existAtOnce = 500;
const plansMax = 100;
const nothingYet: BackfillProgress = { decided: 0, open: [], accepted: 0, known: 0, left: 0, ended: false };

/**
 * Runs ranges of logical times that are over. The runs have deterministic names, so a backfill that was killed goes on from its stored
 * progress, by any orchestrator, and what it sends twice is made once.
 */
export class Backfills {
  readonly #deps: BackfillsDeps;
  /** Logical times by backfill: computing ten thousand takes half a second. */
  readonly #plans = new Map<string, readonly number[]>();

  constructor(deps: BackfillsDeps) {
    this.#deps = deps;
  }

  /** What it would do: nothing starts. */
  async estimate(request: BackfillRequest): Promise<BackfillEstimate> {
    const times = await planBackfill(this.#trigger(request).times, request);
    let existing = 0;
    for (let start = 0; start < times.length; start += existAtOnce) {
      const names = times.slice(start, start + existAtOnce).map((logicalMs) => this.#runName(request, logicalMs));
      const exist = await this.#deps.runs.exist(request.tenant, names);
      existing += exist.filter(Boolean).length;
    }
    const past = await this.#deps.pastDurations(request.tenant, request.workflow, pastRunsAsked);
    return estimateBackfill(times, { existing, atOnceMax: request.atOnceMax, past });
  }

  /** Begins it; the same request that is there already is not begun again (`fresh: false`). */
  async start(request: BackfillRequest, actor: string): Promise<{ id: string; fresh: boolean }> {
    const { times, parameters } = this.#trigger(request);
    const [logicalMs = 0] = await planBackfill(times, request);
    // Parameters without a value are told to who asks, not to a log at every try.
    const run = { id: this.#runName(request, logicalMs), tenant: request.tenant, logicalMs };
    this.#deps.resolve(parameters, { run, event: null });
    const id = backfillName(request);
    return { id, fresh: await this.#deps.store.create({ id, actor, request }) };
  }

  /** Its open runs are those that go on at this moment, also of one that nobody carries on any more. */
  async show(tenant: string, id: string): Promise<BackfillRecord> {
    const record = await this.#find(tenant, id);
    return { ...record, progress: { ...record.progress, open: await this.#stillOpen(record) } };
  }

  /** A cancelled backfill starts nothing more; what it has started runs on. It can be resumed. */
  async wish(tenant: string, id: string, wish: BackfillWish): Promise<BackfillRecord> {
    const { store } = this.#deps;
    const record = await this.#find(tenant, id);
    const { progress } = record;
    if (wish === 'run' && progress.ended) await store.save({ ...record, progress: { ...progress, ended: false } });
    await store.wish(tenant, id, wish);
    return this.show(tenant, id);
  }

  /** Carries on every backfill that no other orchestrator carries. Call it every second; true says that more may start at once. */
  async round(): Promise<boolean> {
    const { store, log } = this.#deps;
    let moved = false;
    for (const place of await store.active()) {
      try {
        if (!(await store.lease(place, leaseMs))) continue;
        if (await this.#carryOn(place.tenant, place.id)) moved = true;
      } catch (error) {
        log.warn({ ...place, reason: messageOf(error) }, 'a backfill must wait');
      }
    }
    return moved;
  }

  async #carryOn(tenant: string, id: string): Promise<boolean> {
    const { store } = this.#deps;
    const record = await store.find(tenant, id);
    if (record === undefined) return false;
    const { request, progress } = record;
    const open = await this.#stillOpen(record);
    if (record.wish === 'pause') {
      // What it has started runs on, and ends.
      if (open.length < progress.open.length) await store.save({ ...record, progress: { ...progress, open } });
      return false;
    }
    if (record.wish === 'cancel') {
      await store.save({ ...record, progress: { ...progress, open, ended: true } });
      return true;
    }
    const times = await this.#plan(record);
    const next = times.slice(progress.decided, progress.decided + Math.max(0, request.atOnceMax - open.length));
    const after = await this.#submit(record, next, { ...progress, open });
    const done = after.decided >= times.length && after.open.length === 0;
    if (done) this.#plans.delete(id);
    await store.save({ ...record, progress: { ...after, ended: done } });
    return after.decided > progress.decided;
  }

  /** The progress after as many of the times as were decided in order: from the first refusal on they are sent again later. */
  async #submit(
    { request, actor, id }: BackfillRecord,
    times: readonly number[],
    progress: BackfillProgress,
  ): Promise<BackfillProgress> {
    if (times.length === 0) return progress;
    const { parameters } = this.#trigger(request);
    const submissions = times.map((logicalMs): TriggeredSubmission => {
      const { tenant, workflow } = request;
      const run = this.#runName(request, logicalMs);
      const resolved = this.#deps.resolve(parameters, { run: { id: run, tenant, logicalMs }, event: null });
      const trigger = `backfill ${id} of ${request.trigger}`;
      return { tenant, workflow, trigger, run, logicalMs, actor, parameters: resolved, overlap: 'queue' };
    });
    const answers = await this.#deps.submitter.submit(submissions);
    const refusedAt = answers.findIndex(({ outcome }) => outcome === 'refused');
    const decided = refusedAt === -1 ? answers : answers.slice(0, refusedAt);
    const count = (outcome: string) => decided.filter((answer) => answer.outcome === outcome).length;
    const started = decided.filter(({ outcome }) => outcome === 'accepted' || outcome === 'known');
    return {
      decided: progress.decided + decided.length,
      open: [...progress.open, ...started.map(({ run }) => run)],
      accepted: progress.accepted + count('accepted'),
      known: progress.known + count('known'),
      left: progress.left + decided.length - started.length,
      ended: false,
    };
  }

  async #find(tenant: string, id: string): Promise<BackfillRecord> {
    const record = await this.#deps.store.find(tenant, id);
    if (record === undefined) throw missing(tenant, id);
    return record;
  }

  async #stillOpen({ request, progress }: BackfillRecord): Promise<string[]> {
    const ended = await this.#deps.runs.ended(request.tenant, progress.open);
    return progress.open.filter((_, index) => ended[index] !== true);
  }

  async #plan({ id, request }: BackfillRecord): Promise<readonly number[]> {
    const kept = this.#plans.get(id);
    if (kept !== undefined) return kept;
    const times = await planBackfill(this.#trigger(request).times, request);
    if (this.#plans.size >= plansMax) this.#plans.clear();
    this.#plans.set(id, times);
    return times;
  }

  #trigger(request: BackfillRequest) {
    const found = this.#deps.trigger(request);
    if (found !== undefined) return found;
    throw new OrreryError({
      code: 'TRIGGER_NOT_FOUND',
      message: `the workflow "${request.workflow}" has no clocked trigger "${request.trigger}"`,
      hint: 'GET /v1/workflows/{name} lists the triggers by name; only cron and everySeconds have times to fill',
      status: 404,
    });
  }

  #runName(request: BackfillRequest, logicalMs: number): string {
    const { tenant, workflow } = request;
    return triggeredRunName(this.#deps.shardOf(tenant), {
      ...{ tenant, workflow, logicalMs },
      trigger: backfillTrigger(request),
    });
  }
}

/** A backfill before its first step. */
export function beginBackfill(record: Omit<BackfillRecord, 'progress' | 'wish'>): BackfillRecord {
  return { ...record, progress: nothingYet, wish: 'run' };
}

function missing(tenant: string, id: string): OrreryError {
  return new OrreryError({
    code: 'BACKFILL_NOT_FOUND',
    message: `the tenant ${tenant} has no backfill "${id}"`,
    hint: 'npx orrery backfill lists those that go on; one that has ended is kept for 30 days',
    status: 404,
  });
}
