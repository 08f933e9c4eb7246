import type { StepRecord } from './step-record.ts';

/** Who stopped something, when and why. Without `atMs` where only the log knows. */
export interface Pause {
  readonly actor: string;
  readonly reason: string;
  readonly atMs: number | null;
}

export interface Share {
  readonly held: number;
  /** Undefined: no limit. */
  readonly most: number | undefined;
}

/** A step that has not ended, with what decides when it goes on. All of one moment, as far as several reads can be. */
export interface OpenStep {
  readonly ref: string;
  readonly name: string;
  readonly record: StepRecord;
  readonly pool: string;
  readonly attemptsMax: number;
  /** Of one that waits: its needs that have not ended well, the first of them. */
  readonly needs: readonly { readonly name: string; readonly state: string }[];
  readonly needsLeft: number;
  /** When the last need ended, or the run began. */
  readonly readySinceMs: number | null;
  /** Of a ready one: its place in the line of its tenant, from 0; undefined when it stands in none. */
  readonly place: number | undefined;
  /** Of one at its limit: who has the slots of its key. */
  readonly holders: readonly string[];
  readonly limit: Share | undefined;
  /** Of one that runs. */
  readonly leaseEndsMs: number | null;
  /** Who may work on it, in words; undefined of what orchestrators do themselves. */
  readonly worker: string | undefined;
  readonly progress: unknown;
  readonly approval:
    | { readonly who: readonly string[]; readonly quorum: number; readonly said: readonly { readonly actor: string }[] }
    | undefined;
  readonly childState: string | undefined;
  readonly items:
    { readonly items: number; readonly ended: number; readonly failed: number; readonly released: number } | undefined;
}

export interface PoolState {
  /** Whoever takes from it and is known to be there. */
  readonly consumers: readonly string[];
  /** Whether anybody says so at all: without that nothing is said of a pool that nobody serves. */
  readonly consumersKnown: boolean;
  readonly line: number;
  /** Tenants that are served before this one, which has the next turn at 0; undefined when it has none. */
  readonly turn: number | undefined;
  readonly isAside: boolean;
  readonly share: Share;
}

export interface ExplainState {
  readonly nowMs: number;
  readonly run: {
    readonly run: string;
    readonly state: string;
    readonly tenant: string;
    readonly workflow: string;
    readonly createdMs: number;
    readonly startedMs: number | null;
    readonly active: number;
    readonly left: number;
    /** Of a queued one: its place from 0, who holds the slots, and how many there are. */
    readonly queue: { readonly place: number; readonly holders: readonly string[]; readonly slots: number } | undefined;
    readonly graceUntilMs: number | null;
    readonly deadlineMs: number | null;
  };
  readonly paused: { readonly run?: Pause; readonly workflow?: Pause; readonly tenant?: Pause };
  readonly tenantShare: Share;
  /** Retries a minute that the tenant may begin, and when the next one may. */
  readonly retryBudget: { readonly perMinute: number; readonly freeMs: number } | undefined;
  readonly pools: ReadonlyMap<string, PoolState>;
  readonly steps: readonly OpenStep[];
}

export type BlockerKind =
  | 'needs'
  | 'line'
  | 'tenant-limit'
  | 'pool-limit'
  | 'key-limit'
  | 'paused-run'
  | 'paused-workflow'
  | 'paused-tenant'
  | 'nobody-serves'
  | 'backoff'
  | 'timer'
  | 'event'
  | 'approval'
  | 'child'
  | 'items'
  | 'at-work'
  | 'queue'
  | 'stopping';

export interface Explanation {
  /** Empty for the run itself. */
  readonly step: string;
  readonly ref: string;
  readonly state: string;
  readonly blocker: BlockerKind;
  /** The same for people, with every number. */
  readonly text: string;
  readonly sinceMs: number | null;
  readonly untilMs?: number;
}

interface Blocked {
  readonly blocker: BlockerKind;
  readonly text: string;
  readonly sinceMs?: number | null;
  readonly untilMs?: number;
}

/** What each step that has not ended waits for, and of a run that does not run, what that waits for. */
export function explain(state: ExplainState): Explanation[] {
  const ofRun = explainRun(state);
  const first =
    ofRun === undefined
      ? []
      : [{ ...ofRun, step: '', ref: '', state: state.run.state, sinceMs: ofRun.sinceMs ?? null }];
  const steps = state.steps.map((step): Explanation => {
    const { sinceMs = null, ...blocked } = explainStep(step, state);
    return { step: step.name, ref: step.ref, state: step.record.state, ...blocked, sinceMs };
  });
  return [...first, ...steps];
}

function explainRun({ run, paused, nowMs }: ExplainState): Blocked | undefined {
  const stopped = pausedBy(paused);
  if (run.state === 'cancelling') {
    const until =
      run.graceUntilMs === null
        ? ''
        : `; what has not stopped ${inTime(run.graceUntilMs, nowMs)} is taken from its workers`;
    const text = `waits for ${run.active} attempts in progress to stop${until}`;
    return { blocker: 'stopping', text, ...(run.graceUntilMs === null ? {} : { untilMs: run.graceUntilMs }) };
  }
  // A pause of the run itself does not keep it from its slot, only its steps from their workers.
  if (run.state === 'queued' && stopped !== undefined && stopped.blocker !== 'paused-run') return stopped;
  if (run.state === 'queued' && run.queue !== undefined) {
    const { place, holders, slots } = run.queue;
    const held = holders.length === 0 ? 'none is taken' : `taken by ${holders.join(', ')}`;
    return {
      blocker: 'queue',
      text: `is number ${place + 1} in the queue of ${run.workflow}: ${slots} at a time, ${held}`,
      sinceMs: run.createdMs,
    };
  }
  return stopped;
}

function explainStep(step: OpenStep, state: ExplainState): Blocked {
  const { record } = step;
  switch (record.state) {
    case 'waiting':
      return explainWaiting(step, state);
    case 'ready':
      return { sinceMs: record.attempt === 0 ? step.readySinceMs : null, ...explainReady(step, state) };
    case 'retrying':
      return explainRetrying(step, state);
    case 'suspended':
      return { sinceMs: record.startedMs, ...explainSuspended(step, state) };
    default:
      return explainRunning(step, state);
  }
}

function explainWaiting({ needs, needsLeft }: OpenStep, { run }: ExplainState): Blocked {
  if (needsLeft === 0) {
    const text =
      run.state === 'running'
        ? 'has all it needs and is about to be ready'
        : `has all it needs; the run is ${run.state}`;
    return { blocker: run.state === 'running' ? 'line' : 'queue', text };
  }
  const named = needs.map(({ name, state }) => `${name} (${state})`).join(', ');
  const more = needsLeft > needs.length ? ` and ${needsLeft - needs.length} more` : '';
  return { blocker: 'needs', text: `waits for ${named}${more}` };
}

function explainReady(step: OpenStep, state: ExplainState): Blocked {
  const { paused, tenantShare, run } = state;
  const pool = state.pools.get(step.pool);
  const stopped = pausedBy(paused);
  if (stopped !== undefined) return stopped;
  const scope = step.record.on;
  if (scope.startsWith('k|') && step.limit !== undefined) {
    const key = scope.split('|').slice(2).join('|');
    const text = `the key ${key} is taken ${step.limit.held}/${step.limit.most ?? '∞'}: by ${step.holders.join(', ') || 'steps that end now'}`;
    return { blocker: 'key-limit', text };
  }
  if (pool?.consumersKnown === true && pool.consumers.length === 0) {
    return { blocker: 'nobody-serves', text: `nobody serves the pool ${step.pool}: start workers for it` };
  }
  if (isFull(tenantShare)) {
    const text = `the tenant ${run.tenant} has ${tenantShare.held}/${tenantShare.most ?? 0} leases; ${placeOf(step, pool)}`;
    return { blocker: 'tenant-limit', text };
  }
  if (pool !== undefined && isFull(pool.share)) {
    const text = `the pool ${step.pool} has ${pool.share.held}/${pool.share.most ?? 0} leases; ${placeOf(step, pool)}`;
    return { blocker: 'pool-limit', text };
  }
  const turn =
    pool?.turn === undefined || pool.turn === 0 ? '' : `; ${pool.turn} tenants have their turn before ${run.tenant}`;
  return { blocker: 'line', text: `${placeOf(step, pool)}${turn}` };
}

function placeOf({ place, pool: name }: OpenStep, pool: PoolState | undefined): string {
  if (place === undefined) return `is being lined up in the pool ${name}`;
  return `is number ${place + 1} of ${pool?.line ?? place + 1} in the line of the pool ${name}`;
}

function explainRetrying(step: OpenStep, { retryBudget, nowMs }: ExplainState): Blocked {
  const { failures, dueMs } = step.record;
  const tries = `after ${failures} of ${step.attemptsMax} tries`;
  // Beyond its own backoff it waits for the tenant's budget.
  const budget = retryBudget === undefined ? '' : `; the tenant may begin ${retryBudget.perMinute} retries a minute`;
  return { blocker: 'backoff', text: `is tried again ${inTime(dueMs, nowMs)}, ${tries}${budget}`, untilMs: dueMs };
}

function explainSuspended(step: OpenStep, { nowMs }: ExplainState): Blocked {
  const { on, key, dueMs } = step.record;
  const until = dueMs > 0 ? { untilMs: dueMs } : {};
  const expiry = dueMs > 0 ? `; gives up ${inTime(dueMs, nowMs)}` : '';
  switch (on) {
    case 'timer':
      return { blocker: 'timer', text: `wakes ${inTime(dueMs, nowMs)}`, ...until };
    case 'event': {
      const [event = '', ...rest] = key.split('|');
      const with_ = rest.join('|');
      return {
        blocker: 'event',
        text: `waits for the event ${event}${with_ === '' ? '' : ` with the key ${with_}`}${expiry}`,
        ...until,
      };
    }
    case 'approval': {
      const { who = [], quorum = 1, said = [] } = step.approval ?? {};
      const by = said.length === 0 ? '' : ` (by ${said.map(({ actor }) => actor).join(', ')})`;
      const left = who.filter((each) => !said.some(({ actor }) => actor === each));
      const text = `has ${said.length}/${quorum} approvals${by}; waits for ${left.join(', ')}${expiry}`;
      return { blocker: 'approval', text, ...until };
    }
    case 'child':
      return {
        blocker: 'child',
        text: `waits for the run ${key}, which is ${step.childState ?? 'about to be made'}`,
        ...until,
      };
    default: {
      const { items = 0, ended = 0, failed = 0, released = 0 } = step.items ?? {};
      const text = `${ended}/${items} items have ended, ${failed} of them failed; ${released - ended} are let go`;
      return { blocker: 'items', text, ...until };
    }
  }
}

function explainRunning(step: OpenStep, { nowMs }: ExplainState): Blocked {
  const { attempt, startedMs, dueMs } = step.record;
  const lease =
    step.leaseEndsMs === null ? 'its lease has run out' : `its lease ends ${inTime(step.leaseEndsMs, nowMs)}`;
  const worker = step.worker === undefined ? '' : `; ${step.worker}`;
  const progress = step.progress === undefined ? '' : `; progress ${JSON.stringify(step.progress)}`;
  const text = `try ${attempt} is at work for ${spell(nowMs - startedMs)}; ${lease}, the try at the latest ${inTime(dueMs, nowMs)}${worker}${progress}`;
  return { blocker: 'at-work', text, sinceMs: startedMs, untilMs: dueMs };
}

function pausedBy({ run, workflow, tenant }: ExplainState['paused']): Blocked | undefined {
  const told = (what: string, { actor, reason, atMs }: Pause) =>
    `the ${what} is paused${actor === '' ? '' : ` by ${actor}`}${reason === '' ? '' : `: ${reason}`}${atMs === null ? '' : ` (${new Date(atMs).toISOString()})`}`;
  if (run !== undefined) return { blocker: 'paused-run', text: told('run', run), sinceMs: run.atMs };
  if (workflow !== undefined)
    return { blocker: 'paused-workflow', text: told('workflow', workflow), sinceMs: workflow.atMs };
  if (tenant !== undefined) return { blocker: 'paused-tenant', text: told('tenant', tenant), sinceMs: tenant.atMs };
  return undefined;
}

function isFull({ held, most }: Share): boolean {
  return most !== undefined && held >= most;
}

function inTime(atMs: number, nowMs: number): string {
  return atMs <= nowMs ? 'at once' : `in ${spell(atMs - nowMs)}`;
}

function spell(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
