import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import { readShard } from './dump.ts';
import { HeldState, type HeldRun, type HeldStep } from './held-state.ts';

/**
 * What holds of any shard between any two calls, said apart from how it comes about. What a call has left behind on `todo` may be half
 * done: then what is only due to happen isn't asked for.
 */
export async function assertInvariants(redis: Redis, shard: string): Promise<HeldState> {
  const held = new HeldState(await readShard(redis, shard));
  const isSettled = held.list('todo').length === 0;
  assertLeases(held);
  assertRuns(held);
  assertLines(held);
  assertWaits(held);
  assertTimers(held, isSettled);
  if (isSettled) {
    assertCounts(held);
    assertLiveness(held);
  }
  return held;
}

/** A slot is a lease: what is held is what runs, and nothing else counts slots. */
function assertLeases(held: HeldState): void {
  const running = held.inState('running');
  const leases = running.map(({ member, step }) => `${member}|${step.fence}|${step.dueMs}`);
  const found = held.ranking('leases').map(([lease]) => lease);
  assert.deepEqual(found.toSorted(), leases.sort(), 'leases are the running steps');
  const fences = running.map(({ step }) => step.fence);
  assert.equal(new Set(fences).size, fences.length, 'no two leases have one fence');
  const counts = new Map<string, number>();
  for (const { run, step, profile } of running) {
    const tenant = run.fields['tenant'] ?? '';
    const scopes = [`t|${tenant}`, `p|${profile.pool}`, ...(step.key === '' ? [] : [`k|${tenant}|${step.key}`])];
    for (const scope of scopes) counts.set(scope, (counts.get(scope) ?? 0) + 1);
  }
  const expected = Object.fromEntries([...counts].map(([scope, count]) => [scope, String(count)]));
  assert.deepEqual({ ...held.hash('held') }, expected, 'what is held is counted by scope');
  for (const run of held.runs) {
    const active = running.filter((each) => each.run === run).length;
    assert.equal(run.fields['active'], String(active), `${run.id} counts its leases`);
  }
  for (const { run, member } of running) {
    assert.ok(['running', 'cancelling'].includes(run.fields['state'] ?? ''), `${member} runs in a run that runs`);
  }
}

function assertRuns(held: HeldState): void {
  assertLanes(held, 'slots', ['running', 'cancelling']);
  assertLanes(held, 'queue', ['queued']);
  const ended = held.runsIn('succeeded', 'failed', 'cancelled');
  assert.deepEqual(membersOf(held, 'ended'), ended.map(({ id }) => id).sort(), 'ended runs');
  for (const run of held.runsIn('succeeded', 'failed')) {
    // What a run has never come to waits still when it has failed by its deadline.
    const mayWait = run.fields['state'] === 'failed';
    const open = [...run.steps].filter(
      ([ref, { state }]) => !ref.includes('.') && !hasEnded(state) && !(mayWait && state === 'waiting'),
    );
    assert.deepEqual(open, [], `nothing of ${run.id} goes on`);
  }
}

function assertLanes(held: HeldState, kind: string, states: readonly string[]): void {
  const found = held.named(kind).flatMap(([lane]) => membersOf(held, `${kind}:${lane}`).map((id) => `${lane} ${id}`));
  const expected = held.runsIn(...states).map(({ id, lane }) => `${lane} ${id}`);
  assert.deepEqual(found.sort(), expected.sort(), `${kind}: runs that are ${states.join(' or ')}`);
}

/** Every ready step waits in exactly one place, and nothing else waits there. */
function assertLines(held: HeldState): void {
  const lines: string[] = [];
  const parks: string[] = [];
  for (const { run, step, member, profile } of held.inState('ready')) {
    const pins = JSON.parse(run.fields['pins'] === '' ? '{}' : (run.fields['pins'] ?? '{}')) as Record<string, string>;
    const build = pins[profile.pool];
    const pool = build === undefined ? profile.pool : `${profile.pool}@${build}`;
    if (step.on === '') lines.push(`${pool}:${run.fields['tenant'] ?? ''} ${member}`);
    else parks.push(`${step.on} ${member}`);
  }
  const foundIn = (kind: string) =>
    held.named(kind).flatMap(([name]) => membersOf(held, `${kind}:${name}`).map((each) => `${name} ${each}`));
  const found = foundIn('ready');
  // What is taken out of the line of a run that is being ended is not put back; the end withdraws it.
  const ending = new Set(held.runsIn('cancelling').map(({ id }) => id));
  const isGone = (place: string) => ending.has(place.split(' ')[1]?.split('|')[0] ?? '') && !found.includes(place);
  const expected = lines.filter((place) => !isGone(place));
  assert.deepEqual(found.sort(), expected.sort(), 'lines hold the ready steps');
  assert.deepEqual(foundIn('park').sort(), parks.sort(), 'parks hold those that wait for a scope');
  for (const [pool] of held.named('turn')) {
    for (const tenant of membersOf(held, `turn:${pool}`)) {
      assert.ok(held.ranking(`ready:${pool}:${tenant}`).length > 0, `${tenant} has a turn in ${pool} and a line`);
    }
  }
}

function assertWaits(held: HeldState): void {
  const found = held
    .named('waits')
    .flatMap(([place]) => membersOf(held, `waits:${place}`).map((each) => `${place} ${each}`));
  const expected = held
    .inState('suspended')
    .flatMap(({ run, step, member }) =>
      step.on === 'event' ? [`${run.fields['tenant'] ?? ''}:${step.key} ${member}`] : [],
    );
  assert.deepEqual(found.sort(), expected.sort(), 'steps that are suspended for an event wait for it');
}

function assertTimers(held: HeldState, isSettled: boolean): void {
  const timers = new Map(held.ranking('timers'));
  const expected = new Map<string, number | undefined>();
  const mayMiss = new Set<string>();
  for (const { run, ref, step, profile, member } of held.steps) {
    const attempt = String(step.attempt);
    // Items that a reset has put back have no time until they are taken, and a run that waits for its slot has none at all.
    const isPutBack = run.fields['state'] !== 'running' || (ref.includes('.') && step.startedMs === 0);
    if (isPutBack) for (const kind of [`queue|${member}|${attempt}`, `total|${member}|0`]) mayMiss.add(kind);
    if (step.state === 'retrying') expected.set(`retry|${member}|${attempt}`, step.dueMs);
    if (step.state === 'suspended' && step.dueMs > 0) expected.set(`wake|${member}|${attempt}`, step.dueMs);
    if (step.state === 'ready' && profile.queue > 0) expected.set(`queue|${member}|${attempt}`, undefined);
    if (step.state !== 'waiting' && !hasEnded(step.state) && profile.total > 0)
      expected.set(`total|${run.id}|${ref}|0`, undefined);
  }
  for (const { id } of held.runsIn('running', 'cancelling')) expected.set(`deadline|${id}||0`, undefined);
  const cancelling = new Set(held.runsIn('cancelling').map(({ id }) => `grace|${id}||0`));
  const found = [...timers.keys()].filter((timer) => !cancelling.has(timer));
  const due = [...expected.keys()].filter((timer) => timers.has(timer) || !mayMiss.has(timer));
  if (isSettled) assert.deepEqual(found.sort(), due.sort(), 'timers are of what waits');
  for (const [timer, due] of expected) if (due !== undefined) assert.equal(timers.get(timer), due, timer);
}

function assertCounts(held: HeldState): void {
  for (const run of held.runsIn('running')) {
    const states = run.plan.steps.map((_, number) => run.steps.get(String(number))?.state ?? 'waiting');
    assert.equal(
      run.fields['left'],
      String(states.filter((state) => !hasEnded(state)).length),
      `${run.id} counts what is left`,
    );
    assert.equal(
      run.fields['failed'],
      String(states.filter((state) => state === 'failed').length),
      `${run.id} counts what failed`,
    );
    for (const [number, state] of states.entries()) assertReleased(run, number, state, states);
  }
  for (const { run, member } of held.inState('ready', 'running', 'retrying', 'suspended')) {
    const isOpen = ['queued', 'running', 'cancelling', 'resetting'].includes(run.fields['state'] ?? '');
    assert.ok(isOpen, `${member} goes on in a run that is ${run.fields['state'] ?? ''}`);
  }
}

/** Nothing waits that has all it needs. */
function assertReleased(run: HeldRun, number: number, state: string, states: readonly string[]): void {
  if (state !== 'waiting') return;
  const needs = run.plan.needsOf(number).map((need) => states[need] ?? 'waiting');
  assert.ok(
    !needs.every((need) => need === 'succeeded' || need === 'skipped'),
    `${run.id}|${number} waits for nothing`,
  );
  assert.ok(!needs.includes('failed'), `${run.id}|${number} waits behind a failure`);
}

/** Nothing waits for what has room. */
function assertLiveness(held: HeldState): void {
  for (const each of held.inState('ready')) if (each.step.on !== '') assertBlocked(held, each);
  for (const [place] of held.named('ready')) {
    const [pool = '', tenant = ''] = place.split(':');
    if (membersOf(held, `turn:${pool}`).includes(tenant)) continue;
    assert.ok(
      held.list(`aside:${tenant}`).includes(pool),
      `${tenant} has a line in ${pool}, and neither a turn nor stands aside`,
    );
    assert.ok(held.isPaused(`t|${tenant}`) || held.room(`t|${tenant}`) <= 0, `${tenant} stands aside and has room`);
  }
  for (const [lane] of held.named('queue')) {
    const [head] = held.ranking(`queue:${lane}`);
    const [tenant = ''] = lane.split('/');
    const most = Number(held.hash(`run:${head?.[0] ?? ''}`)['runs_max']);
    const isFull = held.ranking(`slots:${lane}`).length >= most;
    assert.ok(
      isFull || held.isPaused(`w|${lane}`) || held.isPaused(`t|${tenant}`),
      `${lane} has room for a run that is queued`,
    );
  }
  for (const run of held.runsIn('cancelling')) {
    assert.ok(Number(run.fields['active']) > 0, `${run.id} ends, and nobody works for it`);
  }
  for (const { run, ref, step, member } of held.inState('suspended')) {
    if (step.on !== 'items' || run.fields['state'] !== 'running') continue;
    const items = [...run.steps].filter(
      ([item, { state }]) => item.startsWith(`${ref}.`) && !hasEnded(state) && state !== 'waiting',
    );
    assert.ok(items.length > 0, `${member} waits for items, and none goes on`);
  }
}

function assertBlocked(held: HeldState, { run, step, member, profile }: HeldStep): void {
  const [kind] = step.on.split('|');
  const waits =
    kind === 'run'
      ? run.fields['paused'] !== '' || run.fields['state'] !== 'running'
      : kind === 'w'
        ? held.isPaused(step.on)
        : held.room(step.on, String(profile.limit)) <= comingFor(held, step.on);
  assert.ok(waits, `${member} waits for ${step.on}, which has room`);
}

/** Steps that were let into their lines for a free slot of a key: it is theirs until they are taken or withdrawn. */
function comingFor(held: HeldState, scope: string): number {
  return held.inState('ready').filter(({ run, ref, step, profile }) => {
    const key = run.data[`k:${ref}`] ?? run.plan.steps[Math.floor(Number(ref))]?.[0] ?? '';
    return step.on === '' && profile.limit > 0 && scope === `k|${run.fields['tenant'] ?? ''}|${key}`;
  }).length;
}

function membersOf(held: HeldState, name: string): string[] {
  return held
    .ranking(name)
    .map(([member]) => member)
    .sort();
}

function hasEnded(state: string): boolean {
  return ['succeeded', 'failed', 'skipped', 'cancelled'].includes(state);
}
