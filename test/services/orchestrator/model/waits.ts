import { profileOf, timer, type ModelRun, type Shard } from './shard.ts';
import { fail, succeed, withdraw } from './steps.ts';

/** What a step waits for that holds no slot. */
export interface Suspension {
  readonly on: string;
  readonly due?: number;
  readonly key?: string;
  readonly who?: readonly string[];
  readonly quorum?: number;
  readonly items?: number;
}

interface Asked {
  readonly who: readonly string[];
  readonly quorum: number;
  readonly said: { actor: string; word: string; comment: string; atMs: number }[];
}

export function suspend(shard: Shard, run: ModelRun, ref: string, how: Suspension): void {
  const step = shard.step(run, ref);
  step.key = how.key ?? '';
  step.due = how.due ?? 0;
  shard.moveStep(run, ref, 'suspended', { on: how.on });
  if (step.due > 0) shard.timers.set(timer('wake', run, ref, step.attempt), step.due);
  if (how.on === 'event') {
    const place = `${run.tenant}:${step.key}`;
    const kept = shard.signals.get(place);
    if (kept !== undefined && kept.until > shard.now) {
      succeed(shard, run, ref, { result: kept.payload });
      return;
    }
    shard.waits.of(place).set(`${run.id}|${ref}`, shard.now);
  }
  if (how.on === 'approval') {
    run.data.set(`a:${ref}`, JSON.stringify({ who: how.who, quorum: how.quorum, said: [] }));
  }
  if (how.on === 'items') beginItems(shard, run, ref, how.items ?? 0);
  if (how.on === 'child') {
    const child = shard.runs.get(step.key);
    if (child !== undefined && ['succeeded', 'failed', 'cancelled'].includes(child.state))
      concludeChild(shard, run, ref, child);
  }
}

function beginItems(shard: Shard, run: ModelRun, ref: string, items: number): void {
  if (items === 0) {
    succeed(shard, run, ref, { result: '{"items":0,"failed":0}' });
    return;
  }
  const first = Math.min(items, profileOf(run, ref).at_once ?? 0);
  const counts = { [ref]: 0, [`${ref}f`]: 0, [`${ref}n`]: items, [`${ref}r`]: first };
  for (const [name, count] of Object.entries(counts)) run.counts.set(name, count);
  shard.todo.push(['release-items', run.id, ref, first]);
}

export function concludeChild(shard: Shard, run: ModelRun, ref: string, child: ModelRun): void {
  if (child.state === 'succeeded') {
    succeed(shard, run, ref, { result: JSON.stringify({ run: child.id, state: child.state }) });
    return;
  }
  fail(shard, run, ref, { error: '{"code":"CHILD_FAILED"}', class: 'failure', retryable: true });
}

/** The time that a suspended step was given is over. */
export function wake(shard: Shard, run: ModelRun, ref: string): void {
  if (shard.step(run, ref).on === 'timer') {
    succeed(shard, run, ref, { result: 'null' });
    return;
  }
  withdraw(shard, run, ref);
  fail(shard, run, ref, { error: '{"code":"WAIT_EXPIRED"}', class: 'timeout', final: true });
}

/** Returns how many it woke. */
export function deliver(shard: Shard, tenant: string, place: string, payload: string): number {
  const waiting = shard.waits.of(`${tenant}:${place}`).pop(256);
  for (const member of waiting) {
    const [id = '', ref = ''] = member.split('|');
    const run = shard.runs.get(id);
    const step = run?.steps.get(ref);
    if (run !== undefined && step?.state === 'suspended' && step.on === 'event')
      succeed(shard, run, ref, { result: payload });
  }
  return waiting.length;
}

export interface Word {
  readonly ref: string;
  readonly actor: string;
  readonly word: string;
  readonly comment: string;
}

export function decide(shard: Shard, run: ModelRun, { ref, actor, word, comment }: Word): string {
  const step = shard.step(run, ref);
  if (step.state !== 'suspended' || step.on !== 'approval') return 'not-waiting';
  const asked = JSON.parse(run.data.get(`a:${ref}`) ?? '') as Asked;
  if (!asked.who.includes(actor)) return 'not-asked';
  if (asked.said.some((said) => said.actor === actor)) return 'said-already';
  asked.said.push({ actor, word, comment, atMs: shard.now });
  run.data.set(`a:${ref}`, JSON.stringify(asked));
  if (word === 'reject') fail(shard, run, ref, { error: '{"code":"APPROVAL_REJECTED"}', class: 'failure', actor });
  else if (asked.said.length >= asked.quorum)
    succeed(shard, run, ref, { result: JSON.stringify({ approvals: asked.said }), actor });
  else shard.emitStep(run, ref, 'suspended', { actor });
  return 'counted';
}
