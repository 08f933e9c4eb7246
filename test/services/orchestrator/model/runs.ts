import { rankOf, timer, type Change, type ModelRun, type Shard } from './shard.ts';
import { activeOf } from './slots.ts';

/** Starts what waits in line while the workflow allows one more and nobody has paused it. */
export function startQueued(shard: Shard, lane: string): void {
  const [tenant = ''] = lane.split('/');
  for (let started = 0; ; started += 1) {
    const head = shard.queues.of(lane).first();
    const run = head === undefined ? undefined : shard.runs.get(head);
    if (run === undefined || shard.paused.has(`w|${lane}`)) return;
    if (shard.paused.has(`t|${tenant}`)) {
      shard.halted.set(tenant, (shard.halted.get(tenant) ?? new Set()).add(lane));
      return;
    }
    if (shard.slots.of(lane).size >= run.runsMax) return;
    if (started === 8) {
      shard.todo.push(['start', lane]);
      return;
    }
    shard.queues.of(lane).remove(run.id);
    startRun(shard, run);
  }
}

function startRun(shard: Shard, run: ModelRun): void {
  const again = run.started > 0;
  shard.slots.of(run.lane).set(run.id, shard.now);
  shard.timers.set(timer('deadline', run), shard.now + run.timeout);
  run.started = shard.now;
  shard.moveRun(run, 'running');
  if (again) shard.todo.push(['release-reset', run.id], ['unpark', `run|${run.id}`, 1e6]);
  else shard.todo.push(['release-roots', run.id]);
}

export function queueRun(shard: Shard, run: ModelRun, change: Change): void {
  shard.moveRun(run, 'queued', change);
  shard.queues.of(run.lane).set(run.id, rankOf(run));
  startQueued(shard, run.lane);
}

export function endRun(shard: Shard, run: ModelRun, state: string, change: Change = {}): void {
  shard.slots.of(run.lane).remove(run.id);
  shard.queues.of(run.lane).remove(run.id);
  shard.timers.remove(timer('deadline', run));
  shard.timers.remove(timer('grace', run));
  shard.ended.set(run.id, shard.now);
  Object.assign(run, { ended: shard.now, ending: '', paused: '' });
  shard.moveRun(run, state, change);
  startQueued(shard, run.lane);
  if (run.parent !== '') shard.todo.push(['child-ended', run.id]);
}

/** Ends a run before its steps have. With grace, what is under work is asked to stop; without, it loses its leases. */
export function abortRun(shard: Shard, run: ModelRun, state: string, how: Change & { grace: number }): void {
  // One that was put back has steps that wait already.
  if (run.state === 'queued' && run.started === 0) {
    endRun(shard, run, state, how);
    return;
  }
  shard.queues.of(run.lane).remove(run.id);
  run.ending = state;
  if (run.state !== 'cancelling') shard.moveRun(run, 'cancelling', how);
  if (how.grace > 0) shard.timers.set(timer('grace', run), shard.now + how.grace);
  shard.todo.push(['sweep', run.id, how.grace === 0, how.actor ?? run.actor]);
}

/** When no step is left, or, where it is being ended, when nobody works for it; never before what it left behind is done. */
export function endIfOver(shard: Shard, run: ModelRun): void {
  if (shard.pendingOf(run) > 0) return;
  if (run.state === 'cancelling' && activeOf(shard, run) === 0) endRun(shard, run, run.ending);
  else if (run.state === 'running' && run.left <= 0) endRun(shard, run, run.failed > 0 ? 'failed' : 'succeeded');
}
