import { endIfOver } from './runs.ts';
import { hasEnded, type ModelStep, type Shard } from './shard.ts';
import { revoke } from './slots.ts';
import { endAttempt, fail, makeReady, succeed } from './steps.ts';
import { suspend, type Suspension } from './waits.ts';

export type EndingRow = readonly [
  run: string,
  ref: string,
  fence: string,
  outcome: string,
  payload: string,
  errorClass: string,
  retryable: number,
  reason: string,
  after: number,
];

/** Takes in how an attempt ended: 1 accepted, 0 accepted before, -1 the lease was lost. */
export function handIn(shard: Shard, [id, ref, fence, outcome, payload, ...more]: EndingRow): number {
  const [errorClass, retryable, , after] = more;
  const run = shard.runs.get(id);
  if (run === undefined) return -1;
  const step = shard.step(run, ref);
  if (step.fence !== fence) return -1;
  if (step.state !== 'running') return endedSo(step, outcome) ? 0 : -1;
  revoke(shard, run, ref);
  if (outcome === 'succeeded') succeed(shard, run, ref, { result: payload });
  else if (outcome === 'failed')
    fail(shard, run, ref, { error: payload, class: errorClass, retryable: retryable === 1, after });
  else if (run.state === 'cancelling') endAttempt(shard, run, ref);
  else if (outcome === 'suspended') suspend(shard, run, ref, JSON.parse(payload) as Suspension);
  else makeReady(shard, run, ref);
  endIfOver(shard, run);
  return 1;
}

function endedSo(step: ModelStep, outcome: string): boolean {
  if (step.state === outcome) return true;
  if (outcome === 'failed') return step.state === 'retrying' || step.state === 'succeeded';
  return outcome === 'suspended' && hasEnded(step);
}
