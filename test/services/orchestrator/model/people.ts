import type { ControlVerb } from '#services/orchestrator/src/core/control-call.ts';
import { resetRun } from './actors.ts';
import type { World } from './world.ts';

const scopes = ['t|t1', 't|t2', 'w|t1/diamond', 'w|t1/fan', 'w|t1/chain'];
const limited = ['t|t1', 't|t2', 'p|default', 'p|bulk', 'w|t1'];

/** Somebody does something to a run that there is. */
export async function controlRun(world: World): Promise<void> {
  const { chance } = world;
  const run = chance.of((await world.state()).runs);
  if (run === undefined) return;
  const verb = chance.weighted({ cancel: 2, kill: 2, pause: 2, resume: 3, skip: 2, priority: 1, reset: 6 });
  const on = { on: run.id, tenant: run.fields['tenant'] ?? '', actor: 'ops', reason: 'asked' };
  if (verb === 'reset') return resetOne(world);
  const refs = [...run.plan.steps.keys()].map(String);
  const how: Readonly<Record<Exclude<typeof verb, 'reset'>, ControlVerb>> = {
    ...{
      cancel: { verb: 'cancel', graceMs: chance.once(2) ? 0 : 60_000 },
      skip: { verb: 'skip', ref: chance.of(refs) ?? '0' },
    },
    ...{ kill: { verb: 'kill' }, pause: { verb: 'pause' }, resume: { verb: 'resume' } },
    priority: { verb: 'priority', priority: chance.below(10) },
  };
  await world.call(`${verb} ${run.id}`, () => world.transitions.control(world.shard, on, how[verb]));
}

async function resetOne(world: World): Promise<void> {
  // As the service does: what an earlier life of the run left behind is done first.
  await world.tickOut();
  const run = world.chance.of((await world.state()).runsIn('succeeded', 'failed', 'cancelled', 'resetting'));
  if (run !== undefined) await resetRun(world, run, false);
}

export async function controlScope(world: World): Promise<void> {
  const { chance } = world;
  const verb = chance.weighted({ pause: 1, resume: 2, limit: 2 });
  const scope = chance.of(verb === 'limit' ? limited : scopes) ?? '';
  const on = { on: scope, tenant: scope.slice(2, 4), actor: 'ops', reason: 'asked' };
  const how = verb === 'limit' ? { verb, most: chance.of([-1, 1, 2, 4]) ?? -1 } : { verb };
  await world.call(`${verb} ${scope}`, () => world.transitions.control(world.shard, on, how));
}

export async function decideSome(world: World): Promise<void> {
  const { chance } = world;
  const asked = chance.of((await world.state()).inState('suspended').filter(({ step }) => step.on === 'approval'));
  if (asked === undefined) return;
  const word = chance.once(5) ? 'reject' : 'approve';
  await decide(world, { run: asked.run.id, ref: asked.ref, tenant: asked.run.fields['tenant'] ?? '', word });
}

async function decide(
  world: World,
  { run, ref, tenant, word }: { run: string; ref: string; tenant: string; word: 'approve' | 'reject' },
): Promise<void> {
  const actor = world.chance.of(['ann', 'bob', 'cleo', 'dan']) ?? 'ann';
  const what = { kind: 'decision', run, ref, actor, word, comment: '' } as const;
  await world.call(`${word} ${run}|${ref} by ${actor}`, () => world.transitions.signal(world.shard, tenant, what));
}

export async function sendEvent(world: World): Promise<void> {
  const tenant = world.chance.once(3) ? 't2' : 't1';
  const keptMs = world.chance.once(3) ? 60_000 : 0;
  const what = { kind: 'event', event: 'order', key: 'k1', payload: '{"paid":true}', keptMs } as const;
  await world.call(`event for ${tenant}`, () => world.transitions.signal(world.shard, tenant, what));
}

/** Takes back whatever keeps runs from ending, and answers whatever they wait for. */
export async function letEverythingEnd(world: World): Promise<void> {
  const { shard, transitions } = world;
  const state = await world.state();
  const on = (scope: string) => ({ on: scope, tenant: scope.slice(2, 4), actor: 'ops', reason: 'the end' });
  for (const scope of Object.keys(state.hash('paused')))
    await transitions.control(shard, on(scope), { verb: 'resume' });
  for (const scope of Object.keys(state.hash('limits')))
    await transitions.control(shard, on(scope), { verb: 'limit', most: -1 });
  for (const run of state.runs) {
    const of = { ...on(run.id), tenant: run.fields['tenant'] ?? '' };
    if (run.fields['paused'] !== '') await transitions.control(shard, of, { verb: 'resume' });
    if (run.fields['state'] === 'resetting') await resetRun(world, run, true);
  }
  for (const tenant of ['t1', 't2']) {
    await transitions.signal(shard, tenant, { kind: 'event', event: 'order', key: 'k1', payload: '1', keptMs: 0 });
  }
  for (const { run, ref, step } of state.inState('suspended')) {
    if (step.on !== 'approval') continue;
    for (const actor of ['ann', 'bob', 'cleo']) {
      const what = { kind: 'decision', run: run.id, ref, actor, word: 'approve', comment: '' } as const;
      await transitions.signal(shard, run.fields['tenant'] ?? '', what);
    }
  }
}
