import { abortRun, endIfOver } from './runs.ts';
import { hasEnded, type Shard } from './shard.ts';
import { revoke } from './slots.ts';
import { endAttempt, fail, lapse, makeReady, withdraw } from './steps.ts';
import { wake } from './waits.ts';

/** A lease that ran out. */
export function expire(shard: Shard, lease: string, lapsesMax: number): void {
  const [id = '', ref = ''] = lease.split('|');
  const run = shard.runs.get(id);
  if (run === undefined) return;
  const step = shard.step(run, ref);
  revoke(shard, run, ref);
  if (run.state === 'cancelling') endAttempt(shard, run, ref);
  else if (shard.now >= step.due) {
    fail(shard, run, ref, { error: '{"code":"ATTEMPT_TIMEOUT"}', class: 'timeout', retryable: true });
  } else lapse(shard, run, ref, lapsesMax);
  endIfOver(shard, run);
}

/** A timer that came due; true, so that it counts. */
export function fire(shard: Shard, member: string): true {
  const [kind = '', id = '', ref = ''] = member.split('|');
  const run = shard.runs.get(id);
  if (run === undefined) return true;
  if (kind === 'deadline') abortRun(shard, run, run.ending === '' ? 'failed' : run.ending, { grace: 0 });
  else if (kind === 'grace') shard.todo.push(['sweep', run.id, true, run.actor]);
  else if (kind === 'retry') makeReady(shard, run, ref);
  else if (kind === 'wake') wake(shard, run, ref);
  else if (!hasEnded(shard.step(run, ref)) && shard.step(run, ref).state !== 'waiting') {
    withdraw(shard, run, ref);
    const code = kind === 'queue' ? 'QUEUE_TIMEOUT' : 'STEP_TIMEOUT';
    fail(shard, run, ref, { error: JSON.stringify({ code }), class: 'timeout', final: true });
  }
  return true;
}
