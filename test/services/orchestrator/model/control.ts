import { abortRun, queueRun, startQueued } from './runs.ts';
import { isItem, isOpen, rankOf, type Change, type ModelRun, type Shard } from './shard.ts';
import { callBack, lineUp } from './slots.ts';
import { endedWell, stop } from './steps.ts';

export interface How {
  readonly grace?: number;
  readonly ref?: string;
  readonly priority?: number;
  readonly most?: number;
  readonly steps?: readonly (readonly [ref: string, state: string, arrived: number, on?: string])[];
  readonly wts?: Readonly<Record<string, number>>;
  readonly left?: number;
  readonly last?: boolean;
  readonly outbox_max?: number;
  readonly queued_max?: number;
}

interface Asked {
  readonly how: How;
  readonly reason: string;
  readonly actor: string;
}

export function controlRun(shard: Shard, run: ModelRun, verb: string, asked: Asked): string {
  const { how, actor } = asked;
  switch (verb) {
    case 'cancel':
      if (run.state === 'cancelled' || run.state === 'cancelling') return 'nothing';
      if (!isOpen(run)) return 'wrong-state';
      abortRun(shard, run, 'cancelled', { grace: how.grace ?? 0, actor });
      return 'done';
    case 'kill':
      if (!isOpen(run)) return run.state === 'cancelled' ? 'nothing' : 'wrong-state';
      abortRun(shard, run, run.ending === '' ? 'cancelled' : run.ending, { grace: 0, actor });
      return 'done';
    case 'pause':
      if (!isOpen(run) || run.state === 'cancelling') return 'wrong-state';
      if (run.paused !== '') return 'nothing';
      run.paused = JSON.stringify({ actor, reason: asked.reason, atMs: shard.now });
      shard.emitRun(run, run.state, 'paused', { actor });
      return 'done';
    case 'resume':
      if (run.paused === '') return 'nothing';
      run.paused = '';
      shard.emitRun(run, 'paused', run.state, { actor });
      shard.todo.push(['unpark', `run|${run.id}`, 1e6]);
      return 'done';
    case 'skip':
      return skip(shard, run, how.ref ?? '', { actor });
    case 'priority':
      if (!isOpen(run)) return 'wrong-state';
      run.priority = how.priority ?? run.priority;
      if (run.state === 'queued') shard.queues.of(run.lane).set(run.id, rankOf(run));
      shard.emitRun(run, run.state, run.state, { actor });
      return 'done';
    default:
      return reset(shard, run, asked);
  }
}

/** A person's skip counts as ended well. What works under a lease, and items that were never released, can't be skipped. */
function skip(shard: Shard, run: ModelRun, ref: string, change: Change): string {
  const { state } = shard.step(run, ref);
  if (run.state !== 'running' || state === 'running' || (isItem(ref) && state === 'waiting')) return 'wrong-state';
  if (!stop(shard, run, ref, { state: 'skipped', on: 'person', ...change })) return 'wrong-state';
  endedWell(shard, run, ref);
  return 'done';
}

/** Puts steps of an ended run back, in parts; the last part queues it. */
function reset(shard: Shard, run: ModelRun, { how, actor }: Asked): string {
  if (run.state !== 'resetting') {
    if (isOpen(run)) return 'wrong-state';
    if (shard.outbox >= (how.outbox_max ?? 0)) return 'outbox-full';
    if (shard.queues.of(run.lane).size >= (how.queued_max ?? 0)) return 'queue-full';
    shard.ended.remove(run.id);
    shard.moveRun(run, 'resetting', { actor });
  }
  for (const [ref, to, arrived, on] of how.steps ?? []) {
    const step = shard.step(run, ref);
    Object.assign(step, { failures: 0, lapses: 0, started: 0, ended: 0, due: 0, key: '' });
    if (step.state !== to || to === 'ready')
      shard.moveStep(run, ref, to, { actor, ...(on === undefined ? {} : { on }) });
    run.data.delete(`e:${ref}`);
    if (to !== 'succeeded' && to !== 'suspended') run.data.delete(`r:${ref}`);
    if (to === 'ready') lineUp(shard, run, ref);
    run.counts.set(ref, arrived);
  }
  for (const [field, count] of Object.entries(how.wts ?? {})) run.counts.set(field, count);
  if (how.last !== true) return 'done';
  Object.assign(run, { left: how.left ?? 0, failed: 0, ended: 0 });
  queueRun(shard, run, { actor });
  return 'done';
}

/** Pauses and limits of a tenant (t), a pool (p), a workflow or a weight (w), a budget of retries (b). */
export function controlScope(
  shard: Shard,
  scope: string,
  verb: string,
  { most = -1, said }: How & { said: string },
): string {
  const limits = verb === 'limit';
  const had = limits ? shard.limits.has(scope) : shard.paused.has(scope);
  if (verb === 'pause' && had) return 'nothing';
  if (limits && most >= 0 && shard.limits.get(scope) === most) return 'nothing';
  if ((verb === 'resume' || (limits && most < 0)) && !had) return 'nothing';
  if (verb === 'pause') shard.paused.set(scope, said);
  else if (verb === 'resume') shard.paused.delete(scope);
  else if (most >= 0) shard.limits.set(scope, most);
  else shard.limits.delete(scope);
  shard.changed = true;

  const name = scope.slice(2);
  if (scope.startsWith('t|')) {
    callBack(shard, name);
    if (verb === 'resume') {
      for (const lane of [...(shard.halted.get(name) ?? [])].sort()) shard.todo.push(['start', lane]);
      shard.halted.delete(name);
    }
  }
  if (scope.startsWith('w|') && verb === 'resume') {
    shard.todo.push(['unpark', scope, 1e6]);
    startQueued(shard, name);
  }
  return 'done';
}
