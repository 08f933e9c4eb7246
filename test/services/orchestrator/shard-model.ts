import type { StepPlan, WorkflowPlan } from '#services/orchestrator/src/plan.ts';
import { Ranking } from './ranking.ts';

export interface ModelStep {
  state: string;
  waits: number;
  attempt: number;
  failures: number;
  lapses: number;
  fence: string;
  started: number;
  ended: number;
}

export interface ModelRun {
  id: string;
  tenant: string;
  actor: string;
  workflow: string;
  state: string;
  created: number;
  started: number;
  ended: number;
  left: number;
  failed: number;
  sequence: number;
  plan: WorkflowPlan;
  steps: Map<string, ModelStep>;
  data: Map<string, string>;
}

export interface ModelEvent {
  run: string;
  sequence: number;
  step: string;
  attempt: number;
  fence: string;
  from: string;
  to: string;
  at: number;
}

export interface ModelSubmission {
  run: string;
  tenant: string;
  workflow: string;
  plan: WorkflowPlan;
  key: string;
  request: string;
  cron: string;
  logicalMs: number;
}

type Place = { run: ModelRun; name: string; step: ModelStep; plan: StepPlan };

/**
 * What a shard shall do, as plainly as it can be said: one call after another, the clock handed in. Written beside the Redis
 * functions, not from them, so that a difference between the two is a mistake in one.
 */
export class ShardModel {
  readonly runs = new Map<string, ModelRun>();
  readonly events: ModelEvent[] = [];
  readonly ready = new Map<string, Ranking>();
  readonly turn = new Map<string, Ranking>();
  readonly leases = new Ranking();
  readonly timers = new Ranking();
  readonly slots = new Map<string, Ranking>();
  readonly queues = new Map<string, Ranking>();
  readonly ended = new Ranking();
  readonly idempotency = new Map<string, { run: string; request: string }>();
  readonly cron = new Map<string, number>();
  fence = 0;
  now = 0;
  #nowUs = 0;
  #relayed = 0;
  readonly #bounds: { lapsesMax: number; queuedMax: number; outboxMax: number };

  constructor(bounds: { lapsesMax: number; queuedMax: number; outboxMax: number }) {
    this.#bounds = bounds;
  }

  at(nowUs: number): this {
    this.#nowUs = nowUs;
    this.now = Math.floor(nowUs / 1000);
    return this;
  }

  submit(wanted: ModelSubmission): string {
    const known = this.idempotency.get(`${wanted.tenant}:${wanted.key}`);
    if (wanted.key !== '' && known !== undefined) return known.request === wanted.request ? 'known' : 'key-reused';
    const cron = `${wanted.tenant}:${wanted.workflow}|${wanted.cron}`;
    if (wanted.cron !== '' && (this.cron.get(cron) ?? -1) >= wanted.logicalMs) return 'fired';
    if (this.events.length - this.#relayed >= this.#bounds.outboxMax) return 'outbox-full';
    const lane = `${wanted.tenant}/${wanted.workflow}`;
    if (rankingOf(this.queues, lane).size >= this.#bounds.queuedMax) return 'queue-full';

    const steps = new Map(wanted.plan.steps.map(([name, plan]) => [name, freshStep(plan.needs)]));
    const run: ModelRun = {
      ...{ id: wanted.run, tenant: wanted.tenant, actor: 'actor', workflow: wanted.workflow, state: '' },
      ...{ created: this.now, started: 0, ended: 0, left: steps.size, failed: 0, sequence: 0 },
      ...{ plan: wanted.plan, steps, data: new Map<string, string>() },
    };
    this.runs.set(run.id, run);
    if (wanted.key !== '') {
      this.idempotency.set(`${wanted.tenant}:${wanted.key}`, { run: run.id, request: wanted.request });
    }
    if (wanted.cron !== '') this.cron.set(cron, wanted.logicalMs);
    this.#enqueue(run);
    return 'accepted';
  }

  claim(kind: string, stepsMax: number, leaseMs: number): { run: string; step: string; fence: string }[] {
    const claimed = [];
    for (let i = 0; i < stepsMax; i += 1) {
      const tenant = rankingOf(this.turn, kind).first();
      if (tenant === undefined) break;
      const waiting = rankingOf(this.ready, `${kind}:${tenant}`);
      const [run = '', name = ''] = (waiting.first() ?? '').split('|');
      waiting.remove(`${run}|${name}`);
      rankingOf(this.turn, kind).add(tenant, 1);
      if (waiting.size === 0) rankingOf(this.turn, kind).remove(tenant);
      const place = this.#place(run, name);
      this.fence = Math.max(this.fence + 1, this.#nowUs);
      Object.assign(place.step, { fence: String(this.fence), attempt: place.step.attempt + 1, started: this.now });
      this.#moveStep(place, 'running');
      this.leases.set(leaseName(place), this.now + leaseMs);
      this.timers.set(timerName('timeout', place), this.now + place.plan.timeout);
      claimed.push({ run, step: name, fence: place.step.fence });
    }
    return claimed;
  }

  finish(
    lease: { run: string; step: string; fence: string },
    ending: { outcome: string; payload: string; retryable: boolean; random: number },
  ): string {
    const run = this.runs.get(lease.run);
    if (run === undefined) return 'stale';
    const place = this.#place(lease.run, lease.step);
    const { step } = place;
    if (step.fence !== lease.fence) return 'stale';
    if (step.state !== 'running') {
      const same = step.state === ending.outcome || (ending.outcome === 'failed' && step.state === 'retrying');
      return same ? 'repeated' : 'stale';
    }
    this.#revoke(place);
    if (ending.outcome === 'succeeded') this.#succeed(place, ending.payload);
    else if (ending.outcome === 'returned') this.#makeReady(place);
    else this.#fail(place, { error: ending.payload, retryable: ending.retryable, share: ending.random % 1 });
    return 'accepted';
  }

  beat(lease: { run: string; step: string; fence: string }, leaseMs: number, progress: string): boolean {
    const name = `${lease.run}|${lease.step}|${lease.fence}`;
    if (this.leases.score(name) === undefined) return false;
    this.leases.set(name, this.now + leaseMs);
    if (progress !== '') this.runs.get(lease.run)?.data.set(`p:${lease.step}`, progress);
    return true;
  }

  reap(random: number): number {
    const expired = this.leases.upTo(this.now);
    for (const [index, name] of expired.entries()) {
      const [run = '', step = ''] = name.split('|');
      const place = this.#place(run, step);
      this.#revoke(place);
      place.step.lapses += 1;
      if (place.step.lapses <= this.#bounds.lapsesMax) this.#makeReady(place);
      else this.#fail(place, { error: 'LEASE_LOST', retryable: false, share: jitter(random, index + 1) });
    }
    return expired.length;
  }

  tick(random: number): number {
    let fired = 0;
    for (const [index, name] of this.timers.upTo(this.now).entries()) {
      if (!this.timers.remove(name)) continue;
      fired += 1;
      const [kind = '', run = '', step = ''] = name.split('|');
      if (kind === 'deadline') {
        this.#abort(this.#run(run), 'failed');
        continue;
      }
      const place = this.#place(run, step);
      if (kind === 'sleep') this.#succeed(place, '');
      else if (kind === 'retry') this.#makeReady(place);
      else {
        this.#revoke(place);
        this.#fail(place, { error: 'STEP_TIMEOUT', retryable: true, share: jitter(random, index + 1) });
      }
    }
    return fired;
  }

  control(verb: 'cancel' | 'retry', id: string, tenant: string): string {
    const run = this.runs.get(id);
    if (run?.tenant !== tenant) return 'missing';
    const open = run.state === 'queued' || run.state === 'running';
    if (verb === 'cancel') {
      if (run.state === 'cancelled') return 'nothing';
      if (!open) return 'wrong-state';
      this.#abort(run, 'cancelled');
      return 'done';
    }
    if (open) return 'nothing';
    if (run.state === 'succeeded') return 'wrong-state';
    if (this.events.length - this.#relayed >= this.#bounds.outboxMax) return 'outbox-full';
    if (rankingOf(this.queues, laneOf(run)).size >= this.#bounds.queuedMax) return 'queue-full';
    this.#retry(run);
    return 'done';
  }

  purge(keptMs: number, endedMax: number): number {
    const old = this.ended.upTo(this.now - keptMs).length;
    const count = Math.max(old, this.ended.size - endedMax);
    for (let i = 0; i < count; i += 1) {
      const id = this.ended.first() ?? '';
      this.ended.remove(id);
      this.runs.delete(id);
    }
    return Math.max(count, 0);
  }

  /** All events so far have been published. */
  relay(): void {
    this.#relayed = this.events.length;
  }

  #retry(run: ModelRun): void {
    const again = [...run.steps].filter(([, step]) => step.state !== 'succeeded').map(([name]) => name);
    for (const name of again) {
      const place = this.#place(run.id, name);
      const done = run.plan.steps.filter(([other, plan]) => plan.children.includes(name) && !again.includes(other));
      Object.assign(place.step, { failures: 0, lapses: 0, ended: 0, waits: place.plan.needs - done.length });
      run.data.delete(`e:${name}`);
      this.#moveStep(place, 'waiting');
    }
    run.left = again.length;
    run.failed = 0;
    run.ended = 0;
    this.ended.remove(run.id);
    this.#enqueue(run);
  }

  #enqueue(run: ModelRun): void {
    this.#moveRun(run, 'queued');
    rankingOf(this.queues, laneOf(run)).set(run.id, run.created);
    this.#startQueued(laneOf(run));
  }

  #startQueued(lane: string): void {
    const queue = rankingOf(this.queues, lane);
    for (let started = 0; started < 8; started += 1) {
      const head = queue.first();
      if (head === undefined) return;
      const run = this.#run(head);
      if (rankingOf(this.slots, lane).size >= run.plan.runsMax) return;
      queue.remove(head);
      const deadline = this.now + run.plan.timeoutMs;
      rankingOf(this.slots, lane).set(head, deadline);
      this.timers.set(`deadline|${head}||0`, deadline);
      run.started = this.now;
      this.#moveRun(run, 'running');
      for (const [name, step] of run.steps) {
        if (step.state === 'waiting' && step.waits === 0) this.#release(this.#place(head, name));
      }
    }
  }

  #release(place: Place): void {
    if (place.plan.kind !== 'sleep') {
      this.#makeReady(place);
      return;
    }
    Object.assign(place.step, { attempt: place.step.attempt + 1, started: this.now });
    this.#moveStep(place, 'sleeping');
    this.timers.set(timerName('sleep', place), this.now + place.plan.sleep);
  }

  #makeReady(place: Place): void {
    this.#moveStep(place, 'ready');
    const { run, name, plan } = place;
    rankingOf(this.ready, `${plan.kind}:${run.tenant}`).set(`${run.id}|${name}`, run.created);
    const turn = rankingOf(this.turn, plan.kind);
    if (turn.score(run.tenant) === undefined) turn.set(run.tenant, turn.score(turn.first() ?? '') ?? 0);
  }

  #succeed(place: Place, result: string): void {
    const { run, name, step, plan } = place;
    step.ended = this.now;
    if (result !== '') run.data.set(`r:${name}`, result);
    run.data.delete(`e:${name}`);
    this.#moveStep(place, 'succeeded');
    for (const child of plan.children) {
      const waiting = this.#place(run.id, child);
      waiting.step.waits -= 1;
      if (waiting.step.state === 'waiting' && waiting.step.waits === 0) this.#release(waiting);
    }
    this.#settle(run, 1);
  }

  #fail(place: Place, failure: { error: string; retryable: boolean; share: number }): void {
    const { run, name, step, plan } = place;
    run.data.set(`e:${name}`, failure.error);
    step.failures += 1;
    if (failure.retryable && step.failures < plan.attempts) {
      const ceiling = Math.min(plan.backoff_max, plan.backoff * 2 ** (step.failures - 1));
      const wait = plan.jitter ? Math.ceil(failure.share * ceiling) : ceiling;
      this.timers.set(timerName('retry', place), this.now + wait);
      this.#moveStep(place, 'retrying');
      return;
    }
    step.ended = this.now;
    this.#moveStep(place, 'failed');
    run.failed += 1;
    let ended = 1;
    for (let names = plan.children; names.length > 0;) {
      const waiting = [...new Set(names)].map((each) => this.#place(run.id, each));
      const skipped = waiting.filter((each) => each.step.state === 'waiting');
      for (const each of skipped) {
        each.step.ended = this.now;
        this.#moveStep(each, 'skipped');
      }
      ended += skipped.length;
      names = skipped.flatMap((each) => each.plan.children);
    }
    this.#settle(run, ended);
  }

  #settle(run: ModelRun, ended: number): void {
    run.left -= ended;
    if (run.left === 0) this.#end(run, run.failed > 0 ? 'failed' : 'succeeded');
  }

  #end(run: ModelRun, state: string): void {
    rankingOf(this.slots, laneOf(run)).remove(run.id);
    rankingOf(this.queues, laneOf(run)).remove(run.id);
    this.timers.remove(`deadline|${run.id}||0`);
    this.ended.set(run.id, this.now);
    run.ended = this.now;
    this.#moveRun(run, state);
    this.#startQueued(laneOf(run));
  }

  #abort(run: ModelRun, state: string): void {
    for (const name of run.steps.keys()) {
      const place = this.#place(run.id, name);
      const { step, plan } = place;
      if (['succeeded', 'failed', 'skipped', 'cancelled'].includes(step.state)) continue;
      if (step.state === 'running') this.#revoke(place);
      this.timers.remove(timerName('sleep', place));
      this.timers.remove(timerName('retry', place));
      const waiting = rankingOf(this.ready, `${plan.kind}:${run.tenant}`);
      if (waiting.remove(`${run.id}|${name}`) && waiting.size === 0) rankingOf(this.turn, plan.kind).remove(run.tenant);
      step.ended = this.now;
      this.#moveStep(place, 'cancelled');
      run.left -= 1;
    }
    this.#end(run, state);
  }

  #revoke(place: Place): void {
    this.leases.remove(leaseName(place));
    this.timers.remove(timerName('timeout', place));
    place.run.data.delete(`p:${place.name}`);
  }

  #moveRun(run: ModelRun, to: string): void {
    run.sequence += 1;
    const { id, sequence, state } = run;
    this.events.push({ run: id, sequence, step: '', attempt: 0, fence: '0', from: state, to, at: this.now });
    run.state = to;
  }

  #moveStep({ run, name, step }: Place, to: string): void {
    run.sequence += 1;
    const { attempt, fence, state } = step;
    this.events.push({
      run: run.id,
      sequence: run.sequence,
      step: name,
      attempt,
      fence,
      from: state,
      to,
      at: this.now,
    });
    step.state = to;
  }

  #run(id: string): ModelRun {
    const run = this.runs.get(id);
    if (run === undefined) throw new Error(`the model has no run ${id}`);
    return run;
  }

  #place(id: string, name: string): Place {
    const run = this.#run(id);
    const step = run.steps.get(name);
    const plan = run.plan.steps.find(([each]) => each === name)?.[1];
    if (step === undefined || plan === undefined) throw new Error(`the model has no step ${id}/${name}`);
    return { run, name, step, plan };
  }
}

function rankingOf(rankings: Map<string, Ranking>, name: string): Ranking {
  const known = rankings.get(name) ?? new Ranking();
  rankings.set(name, known);
  return known;
}

function freshStep(waits: number): ModelStep {
  return { state: 'waiting', waits, attempt: 0, failures: 0, lapses: 0, fence: '0', started: 0, ended: 0 };
}

function laneOf(run: ModelRun): string {
  return `${run.tenant}/${run.workflow}`;
}

function leaseName({ run, name, step }: Place): string {
  return `${run.id}|${name}|${step.fence}`;
}

function timerName(kind: string, { run, name, step }: Place): string {
  return `${kind}|${run.id}|${name}|${step.attempt}`;
}

function jitter(random: number, index: number): number {
  return (random + index * 0.6180339887) % 1;
}
