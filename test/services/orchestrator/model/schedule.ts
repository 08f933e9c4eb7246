import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import type { FunctionLibrary } from '@orrery/kit/redis-functions';
import { Transitions } from '#services/orchestrator/src/core/transitions.ts';
import { beatSome, finishSome, loseWorker, submitSome, takeSome } from './actors.ts';
import { Chance } from './chance.ts';
import { assertInvariants } from './invariants.ts';
import { assertLog } from './log-invariants.ts';
import { controlRun, controlScope, decideSome, letEverythingEnd, sendEvent } from './people.ts';
import { Replica } from './replica.ts';
import { bounds, World } from './world.ts';

export interface ScheduleOptions {
  readonly redis: Redis;
  readonly library: FunctionLibrary;
  readonly seed: number;
  /** Ends Redis and starts it again; absent: no schedule asks for it. */
  readonly restart?: () => Promise<void>;
}

const operations = 60;
const roundsMax = 400;

/** One schedule of work and faults, all from its seed. Throws what went wrong with the seed and all that was done. */
export async function runSchedule({ redis, library, seed, restart }: ScheduleOptions): Promise<void> {
  const world = new World(redis, library, { shard: `f${seed}`, chance: new Chance(seed) });
  try {
    for (let i = 0; i < operations; i += 1) {
      await step(world, restart);
      if (i % 20 === 19) await assertInvariants(redis, world.shard);
    }
    await drain(world);
    await assertEnd(world);
    if (seed % 5 === 0) await new Replica(redis, library, world.shard, bounds).assertFold(world.bus.all());
    await assertForgotten(world, library);
  } catch (error) {
    throw new Error(`schedule ${seed}:\n${world.told.join('\n')}\n${String(error)}`, { cause: error });
  }
}

async function step(world: World, restart: (() => Promise<void>) | undefined): Promise<void> {
  const weights = {
    ...{ submit: 8, take: 18, finish: 22, tick: 8, beat: 3, lose: 3, run: 7, scope: 3, decide: 5, event: 2 },
    ...{ publish: 4, remember: 2, tail: 1, restart: restart === undefined ? 0 : 1 },
  };
  switch (world.chance.weighted(weights)) {
    case 'submit':
      return submitSome(world);
    case 'take':
      await takeSome(world);
      return;
    case 'finish':
      return finishSome(world);
    case 'tick':
      await world.call('tick', () => world.transitions.tick(world.shard));
      return;
    case 'beat':
      return beatSome(world);
    case 'lose':
      return loseWorker(world);
    case 'run':
      return controlRun(world);
    case 'scope':
      return controlScope(world);
    case 'decide':
      return decideSome(world);
    case 'event':
      return sendEvent(world);
    case 'publish':
      await world.bus.publish(world.transitions, world.shard, {
        most: 1 + world.chance.below(40),
        isTold: !world.chance.once(4),
      });
      return;
    case 'remember':
      return world.remember();
    case 'tail':
      // Mostly with a relay that is up to date, so that nothing is lost at all.
      if (!world.chance.once(3)) await publishAll(world);
      return world.loseTail();
    case 'restart':
      world.tell('redis is killed and started again');
      await restart?.();
      return world.mend();
  }
}

async function publishAll(world: World): Promise<void> {
  while ((await world.bus.publish(world.transitions, world.shard, { most: 1000, isTold: true })) > 0);
}

/** Nobody does any harm any more: everything ends. */
async function drain(world: World): Promise<void> {
  world.tell('drain');
  for (let round = 0; round < roundsMax; round += 1) {
    await letEverythingEnd(world);
    await world.tickOut();
    while ((await takeSome(world, true)) > 0) await finishSome(world, true);
    await finishSome(world, true);
    await publishAll(world);
    const open = (await world.state()).runs.filter(
      ({ fields }) => !['succeeded', 'failed', 'cancelled'].includes(fields['state'] ?? ''),
    );
    if (open.length === 0) return;
    if (round === roundsMax - 1)
      assert.deepEqual(
        open.map(({ id, fields }) => `${id} ${fields['state'] ?? ''}`),
        [],
        'all runs end',
      );
  }
}

async function assertEnd(world: World): Promise<void> {
  const held = await assertInvariants(world.redis, world.shard);
  const runs = new Set(held.runs.map(({ id }) => id));
  for (const run of world.submitted) assert.ok(runs.has(run), `${run} was accepted and is lost`);
  for (const [place, times] of world.accepted) assert.equal(times, 1, `${place} was accepted ${times} times`);
  for (const kind of ['leases', 'held', 'timers', 'todo'])
    assert.equal(held.has(kind), false, `${kind} is empty in the end`);
  for (const kind of ['ready', 'turn', 'park', 'waits', 'slots', 'queue', 'aside', 'halted']) {
    assert.deepEqual(held.named(kind), [], `${kind} is empty in the end`);
  }
  assertLog(world.bus.all());
  const endings = world.bus.endings();
  for (const place of world.accepted.keys())
    assert.ok(endings.has(place), `${place} was accepted, and the log does not tell it`);
}

/** Purged, the shard holds nothing of a run. */
async function assertForgotten(world: World, library: FunctionLibrary): Promise<void> {
  const { redis, shard } = world;
  const forgetful = { ...bounds, endedRunsKeptMs: -1 };
  const transitions = new Transitions({ redis, library, release: () => '', random: () => 0, bounds: forgetful });
  while ((await transitions.purge(shard)) > 0);
  const held = await world.state();
  for (const kind of ['run', 'st', 'wt', 'data', 'runs', 'park'])
    assert.deepEqual(held.named(kind), [], `${kind} is forgotten`);
  assert.equal(held.has('ended'), false, 'ended is empty');
}
