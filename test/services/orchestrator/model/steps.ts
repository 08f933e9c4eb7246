import type { RetryPolicy } from '#services/orchestrator/src/core/plan.ts';
import { endIfOver } from './runs.ts';
import {
  hasEnded,
  isItem,
  planOf,
  profileOf,
  timer,
  type Change,
  type ModelRun,
  type ModelStep,
  type Shard,
} from './shard.ts';
import { leaveLine, lineUp, revoke } from './slots.ts';

export interface Failure extends Change {
  /** JSON. */
  readonly error: string;
  readonly class: string;
  readonly retryable?: boolean;
  /** No retry, whatever the definition says. */
  readonly final?: boolean;
  readonly after?: number;
}

export function makeReady(shard: Shard, run: ModelRun, ref: string): void {
  const { queue } = profileOf(run, ref);
  shard.moveStep(run, ref, 'ready');
  lineUp(shard, run, ref);
  if (queue > 0) shard.timers.set(timer('queue', run, ref, shard.step(run, ref).attempt), shard.now + queue);
}

export function release(shard: Shard, run: ModelRun, ref: string): void {
  if (shard.step(run, ref).state !== 'waiting' || run.state !== 'running') return;
  const { total } = profileOf(run, ref);
  if (total > 0) shard.timers.set(timer('total', run, ref), shard.now + total);
  makeReady(shard, run, ref);
}

/** A need of each child has ended well; what that releases comes after all that the call was given. */
function arrive(shard: Shard, run: ModelRun, ref: string): void {
  for (const child of planOf(run, ref)[2]) {
    const place = `${run.id}|${child}`;
    const found = shard.arrivals.get(place) ?? { run, ref: String(child), count: 0 };
    found.count += 1;
    shard.arrivals.set(place, found);
  }
}

export function flushArrivals(shard: Shard): void {
  const arrived = [...shard.arrivals.values()];
  shard.arrivals.clear();
  for (const { run, ref, count } of arrived) {
    const [, needs] = planOf(run, ref);
    const whole = needs > 1 ? (run.counts.get(ref) ?? 0) + count : count;
    if (needs > 1) run.counts.set(ref, whole);
    if (whole >= needs) release(shard, run, ref);
  }
}

function dropTimers(shard: Shard, run: ModelRun, ref: string, { attempt }: ModelStep): void {
  const kinds = [timer('total', run, ref), ...['retry', 'queue', 'wake'].map((kind) => timer(kind, run, ref, attempt))];
  for (const each of kinds) shard.timers.remove(each);
}

/** Takes a step that has not ended out of whatever it waits in or works under. */
export function withdraw(shard: Shard, run: ModelRun, ref: string): void {
  const step = shard.step(run, ref);
  dropTimers(shard, run, ref, step);
  if (step.state === 'running') revoke(shard, run, ref);
  if (step.state === 'ready') leaveLine(shard, run, ref, step);
  if (step.state !== 'suspended') return;
  if (step.on === 'event') shard.waits.of(`${run.tenant}:${step.key}`).remove(`${run.id}|${ref}`);
  if (step.on === 'child') shard.todo.push(['end-child', step.key]);
  // Items under work of a run that is asked to stop have their grace; those of a map that has ended itself don't.
  if (step.on === 'items') shard.todo.push(['end-items', run.id, ref, run.state !== 'cancelling']);
}

/** Ends a step from outside. Says whether there was anything to end. */
export function stop(shard: Shard, run: ModelRun, ref: string, to: { state: string } & Change): boolean {
  const step = shard.step(run, ref);
  if (hasEnded(step)) return false;
  withdraw(shard, run, ref);
  step.ended = shard.now;
  shard.moveStep(run, ref, to.state, to);
  return true;
}

/** An attempt of a run that is being ended has stopped. */
export function endAttempt(shard: Shard, run: ModelRun, ref: string): void {
  const step = shard.step(run, ref);
  dropTimers(shard, run, ref, step);
  step.ended = shard.now;
  shard.moveStep(run, ref, 'cancelled');
}

/** One step fewer; the last one ends the run. */
export function settle(shard: Shard, run: ModelRun): void {
  run.left -= 1;
  endIfOver(shard, run);
}

export function endedWell(shard: Shard, run: ModelRun, ref: string): void {
  if (isItem(ref)) {
    endItem(shard, run, ref, true);
    return;
  }
  arrive(shard, run, ref);
  settle(shard, run);
}

/** An item has ended: the next one follows, unless too many failed or none is left. */
function endItem(shard: Shard, run: ModelRun, ref: string, well: boolean): void {
  const [map = ''] = ref.split('.');
  const add = (name: string, more: number) => {
    run.counts.set(name, (run.counts.get(name) ?? 0) + more);
    return run.counts.get(name) ?? 0;
  };
  const ended = add(map, 1);
  const failed = add(`${map}f`, well ? 0 : 1);
  const items = run.counts.get(`${map}n`) ?? 0;
  const released = run.counts.get(`${map}r`) ?? 0;
  if (shard.step(run, map).state !== 'suspended') return;
  if (failed > (profileOf(run, map).failures_max ?? 0)) {
    if (ended >= released) fail(shard, run, map, { error: '{"code":"ITEMS_FAILED"}', class: 'failure', final: true });
    return;
  }
  if (released < items) {
    add(`${map}r`, 1);
    release(shard, run, `${map}.${released}`);
    return;
  }
  if (ended === items) succeed(shard, run, map, { result: JSON.stringify({ items, failed }) });
}

export function succeed(
  shard: Shard,
  run: ModelRun,
  ref: string,
  how: Change & { result: string; degraded?: boolean },
): void {
  const step = shard.step(run, ref);
  dropTimers(shard, run, ref, step);
  step.ended = shard.now;
  if (how.result !== '') run.data.set(`r:${ref}`, how.result);
  if (how.degraded !== true) run.data.delete(`e:${ref}`);
  shard.moveStep(run, ref, 'succeeded', how);
  endedWell(shard, run, ref);
}

/** The attempts of one call are spread over the random share by the golden ratio. */
function backoff(shard: Shard, [, first, most, jitter]: RetryPolicy, failures: number): number {
  const ceiling = Math.min(most, first * 2 ** (failures - 1));
  if (jitter === 0) return ceiling;
  shard.random = (shard.random + 0.6180339887) % 1;
  return Math.ceil(shard.random * ceiling);
}

/** A tenant's retries begin at no more than its rate a minute, with a minute's worth at once. */
function budgeted(shard: Shard, tenant: string, due: number): number {
  const rate = shard.limits.get(`b|${tenant}`) ?? 0;
  if (rate <= 0) return due;
  const free = Math.max(shard.now, shard.budget.get(tenant) ?? 0);
  shard.budget.set(tenant, free + 60_000 / rate);
  return Math.max(due, free - 60_000);
}

/** A failed attempt: another one, or what was declared for this case, or the end. */
export function fail(shard: Shard, run: ModelRun, ref: string, failure: Failure): void {
  const step = shard.step(run, ref);
  const { retry, fallback } = profileOf(run, ref);
  run.data.set(`e:${ref}`, failure.error);
  step.failures += 1;
  const own = retry[failure.class];
  const policy = own ?? retry['default'];
  const again = failure.final !== true && (own !== undefined || failure.retryable === true) && run.state === 'running';
  if (again && policy !== undefined && step.failures < policy[0]) {
    if (step.state === 'suspended') shard.timers.remove(timer('wake', run, ref, step.attempt));
    const wait = Math.max(backoff(shard, policy, step.failures), failure.after ?? 0);
    step.due = budgeted(shard, run.tenant, shard.now + wait);
    shard.timers.set(timer('retry', run, ref, step.attempt), step.due);
    shard.moveStep(run, ref, 'retrying', { ...(failure.actor === undefined ? {} : { actor: failure.actor }) });
    return;
  }
  if (fallback !== undefined && (fallback.classes.length === 0 || fallback.classes.includes(failure.class))) {
    succeed(shard, run, ref, { result: fallback.result, degraded: true });
    return;
  }
  dropTimers(shard, run, ref, step);
  step.ended = shard.now;
  shard.moveStep(run, ref, 'failed', { ...(failure.actor === undefined ? {} : { actor: failure.actor }) });
  if (isItem(ref)) {
    endItem(shard, run, ref, false);
    return;
  }
  run.failed += 1;
  shard.todo.push(['skip', run.id, ref]);
  settle(shard, run);
}

/** A lease that ended without a word is nobody's failure, up to a bound. */
export function lapse(shard: Shard, run: ModelRun, ref: string, lapsesMax: number): void {
  const step = shard.step(run, ref);
  step.lapses += 1;
  if (step.lapses <= lapsesMax) {
    makeReady(shard, run, ref);
    return;
  }
  fail(shard, run, ref, { error: '{"code":"LEASE_LOST"}', class: 'unavailable' });
}
