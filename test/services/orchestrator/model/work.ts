import { abortRun, endIfOver, startQueued } from './runs.ts';
import { hasEnded, planOf, profileOf, timer, type ModelRun, type Shard, type Work } from './shard.ts';
import { unpark } from './slots.ts';
import { flushArrivals, release, settle, stop } from './steps.ts';
import { concludeChild } from './waits.ts';

/** Does what follows from a call, in order, until nothing is left. What an earlier call left behind comes after this one's own. */
export function carryOn(shard: Shard): void {
  for (;;) {
    const work = shard.todo.shift() ?? shard.left.shift();
    if (work === undefined) return;
    shard.doing = work;
    carry(shard, work);
    flushArrivals(shard);
    shard.doing = undefined;
    const run = shard.runs.get(work[1]);
    if (run !== undefined && !['end-child', 'child-ended'].includes(work[0])) endIfOver(shard, run);
  }
}

function carry(shard: Shard, work: Work): void {
  if (work[0] === 'unpark') {
    unpark(shard, work[1], work[2]);
    return;
  }
  if (work[0] === 'start') {
    startQueued(shard, work[1]);
    return;
  }
  const run = shard.runs.get(work[1]);
  if (run === undefined) return;
  switch (work[0]) {
    case 'release-roots':
      for (const root of run.plan.roots) release(shard, run, String(root));
      return;
    case 'release-reset': {
      releaseReset(shard, run);
      return;
    }
    case 'release-items':
      if (shard.step(run, work[2]).state !== 'suspended') return;
      for (let item = 0; item < work[3]; item += 1) release(shard, run, `${work[2]}.${item}`);
      return;
    case 'end-items': {
      endItems(shard, run, work[2], work[3]);
      return;
    }
    case 'skip': {
      skipBelow(shard, run, work[2]);
      return;
    }
    case 'sweep': {
      sweep(shard, run, { kill: work[2], actor: work[3] });
      return;
    }
    case 'end-child':
      if (run.state === 'queued' || run.state === 'running') abortRun(shard, run, 'cancelled', { grace: 0 });
      return;
    case 'child-ended': {
      tellParent(shard, run);
      return;
    }
  }
}

/** After a reset: whatever waits and has all that it needs; a map that goes on has its whole time again. */
function releaseReset(shard: Shard, run: ModelRun): void {
  for (const [number, [, needs]] of run.plan.steps.entries()) {
    const ref = String(number);
    const { total } = profileOf(run, ref);
    const goesOn = shard.step(run, ref).state === 'suspended';
    if (goesOn && total > 0) shard.timers.set(timer('total', run, ref), shard.now + total);
    if (needs === 0 || (run.counts.get(ref) ?? 0) >= needs) release(shard, run, ref);
  }
}

/** Everything downstream of a step that failed. */
function skipBelow(shard: Shard, run: ModelRun, ref: string): void {
  for (const number of planOf(run, ref)[2]) {
    const child = String(number);
    if (shard.step(run, child).state !== 'waiting') continue;
    stop(shard, run, child, { state: 'skipped' });
    shard.todo.push(['skip', run.id, child]);
    settle(shard, run);
  }
}

function endItems(shard: Shard, run: ModelRun, map: string, kill: boolean): void {
  for (let item = 0; item < (run.counts.get(`${map}r`) ?? 0); item += 1) {
    const ref = `${map}.${item}`;
    if (kill || shard.step(run, ref).state !== 'running') stop(shard, run, ref, { state: 'cancelled' });
  }
}

/** Ends what has begun; with `kill` also what is under work. */
function sweep(shard: Shard, run: ModelRun, { kill, actor }: { kill: boolean; actor: string }): void {
  if (run.state !== 'cancelling') return;
  for (const number of run.plan.steps.keys()) {
    const ref = String(number);
    const step = shard.step(run, ref);
    const begun = step.state !== 'waiting' && !hasEnded(step);
    if (begun && (kill || step.state !== 'running')) stop(shard, run, ref, { state: 'cancelled', actor });
    if (kill && step.state === 'cancelled' && profileOf(run, ref).kind === 'map') {
      shard.todo.push(['end-items', run.id, ref, true]);
    }
  }
}

function tellParent(shard: Shard, child: ModelRun): void {
  const [id = '', ref = ''] = child.parent.split('|');
  const parent = shard.runs.get(id);
  const step = parent?.steps.get(ref);
  if (parent === undefined || step?.state !== 'suspended' || step.on !== 'child' || step.key !== child.id) return;
  concludeChild(shard, parent, ref, child);
}
