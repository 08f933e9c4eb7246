import { DefinedPlan } from '#services/orchestrator/src/control/plan-reader.ts';
import { partsOf, planReset, type MapItems } from '#services/orchestrator/src/control/reset-plan.ts';
import type { Profile, RetryPolicy, WorkflowPlan } from '#services/orchestrator/src/core/plan.ts';
import type { ClaimedStep, Ending } from '#services/orchestrator/src/core/step-lease.ts';
import type { Submission } from '#services/orchestrator/src/core/submission.ts';
import type { HeldRun } from './held-state.ts';
import { patientPlans } from './plans.ts';
import type { World } from './world.ts';

const longMs = 60_000;
const pools = ['default@b1', 'default', 'bulk', 'inner'];

/** Retries that are due at once: a schedule waits for no clock. */
function prompt(plan: WorkflowPlan): WorkflowPlan {
  const policies = (retry: Profile['retry']) =>
    Object.fromEntries(
      Object.entries(retry).map(([name, [attempts]]): [string, RetryPolicy] => [name, [attempts, 0, 0, 0]]),
    );
  return { ...plan, profiles: plan.profiles.map((profile) => ({ ...profile, retry: policies(profile.retry) })) };
}

export const plans = patientPlans.map(prompt);
const byDigest = new Map(plans.map((plan) => [plan.digest as string, plan]));

export async function submitSome(world: World): Promise<void> {
  const { chance } = world;
  const submission = (): Submission => {
    const plan = chance.of(plans) ?? plans[0];
    if (plan === undefined) throw new Error('there are no plans');
    const tenant = chance.once(3) ? 't2' : 't1';
    const of = {
      run: world.name(),
      tenant,
      actor: 'ann',
      workflow: plan.workflow.name,
      plan,
      parameters: '{}',
      trigger: 'manual',
    };
    return {
      ...{ ...of, logicalMs: chance.below(5) + 1, automatic: chance.once(3) },
      overlap: chance.weighted({ queue: 6, skip: 1, replace: 1 }),
      ...(chance.once(3) ? { priority: chance.below(10) } : {}),
      ...(chance.once(4) ? { limitKeys: { '0': 'shared', '1': 'shared' } } : {}),
      ...(chance.once(5) ? { pins: { default: 'b1' } } : {}),
      ...(chance.once(5) ? { idempotency: { key: `k${chance.below(2)}`, request: 'a' } } : {}),
    };
  };
  const submissions = chance.once(3) ? [submission(), submission()] : [submission()];
  await world.call(`submit ${submissions.map(({ run, workflow }) => `${run} ${workflow}`).join(', ')}`, async () => {
    const answers = await world.transitions.submit(world.shard, submissions);
    for (const { outcome, run } of answers) if (outcome === 'accepted') world.submitted.add(run);
  });
}

/** Takes steps; when the answer is lost nobody works for them, and their leases run out. */
export async function takeSome(world: World, isCalm = false): Promise<number> {
  const { chance } = world;
  const isLost = !isCalm && chance.once(12);
  const isDying = !isCalm && chance.once(6);
  const asked = { pools: isCalm ? pools : [chance.of(pools) ?? 'default'], want: isCalm ? 8 : 1 + chance.below(4) };
  const leaseMs = isLost || isDying ? 0 : longMs;
  world.tell(`take ${asked.want} of ${asked.pools.join()}${isLost ? ', answer lost' : isDying ? ', dies' : ''}`);
  const { claimed } = await world.transitions.exchange(world.shard, { ...asked, leaseMs }, []);
  if (!isLost) world.claims.push(...claimed);
  return claimed.length;
}

/** Hands in what some workers have; one that was frozen comes late, with what another has by now. */
export async function finishSome(world: World, isCalm = false): Promise<void> {
  const { chance } = world;
  const count = isCalm ? world.claims.length : 1 + chance.below(3);
  const endings: Ending[] = [];
  for (let i = 0; i < count && world.claims.length > 0; i += 1) {
    const [claim] = world.claims.splice(isCalm ? 0 : chance.below(world.claims.length), 1);
    if (claim !== undefined) endings.push(await endingOf(world, claim, isCalm));
  }
  for (let first = 0; first < endings.length; first += 16) await world.finish(endings.slice(first, first + 16));
}

async function endingOf(world: World, claim: ClaimedStep, isCalm: boolean): Promise<Ending> {
  const { chance } = world;
  const { run, ref, fence } = claim;
  const outcome = isCalm ? 'right' : chance.weighted({ right: 12, failed: 3, returned: 1, cancelled: 1 });
  const error = `{"code":"BROKEN","of":"${fence}"}`;
  if (outcome === 'failed') {
    const errorClass = chance.of(['timeout', 'unavailable', 'inputs', 'failure'] as const) ?? 'failure';
    return { run, ref, fence, outcome, payload: error, class: errorClass, retryable: chance.once(2) };
  }
  return outcome === 'right' ? await rightEnding(world, claim) : { run, ref, fence, outcome, payload: error };
}

async function rightEnding(world: World, claim: ClaimedStep): Promise<Ending> {
  const { run, ref, fence, nowMs } = claim;
  const plan = byDigest.get(claim.definition);
  const kind = plan === undefined ? undefined : new DefinedPlan(plan.steps, plan.profiles).profileOf(ref)?.kind;
  const suspended = (how: object): Ending => ({ run, ref, fence, outcome: 'suspended', payload: JSON.stringify(how) });
  switch (kind) {
    case 'wait':
      if (plan?.workflow.name === 'diamond') return suspended({ on: 'timer', due: Math.floor(nowMs) });
      return suspended({ on: 'event', key: 'order|k1' });
    case 'approve':
      return suspended({ on: 'approval', who: ['ann', 'bob', 'cleo'], quorum: 2 });
    case 'map': {
      const items = Array.from({ length: world.chance.below(7) }, (_, index) => `{"item":${index}}`);
      const what = { kind: 'items', run, ref, fence, first: 0, items, keys: items.map(() => '') } as const;
      await world.call(`items ${run}|${ref} ${items.length}`, () =>
        world.transitions.signal(world.shard, claim.tenant, what),
      );
      return suspended({ on: 'items', items: items.length });
    }
    case 'workflow': {
      const child = await startChild(world, claim);
      return child === undefined
        ? { run, ref, fence, outcome: 'returned', payload: '' }
        : suspended({ on: 'child', key: child });
    }
    default:
      return { run, ref, fence, outcome: 'succeeded', payload: `{"of":"${fence}"}` };
  }
}

async function startChild(world: World, { run, ref, tenant }: ClaimedStep): Promise<string | undefined> {
  const plan = plans.find(({ workflow: { name } }) => name === 'chain');
  if (plan === undefined) throw new Error('there is no chain');
  const child = world.name();
  const of = {
    run: child,
    tenant,
    actor: 'ann',
    workflow: 'chain',
    plan,
    parameters: '{}',
    trigger: 'parent',
    logicalMs: 1,
  };
  const [answer] = await world.call(`child ${child} of ${run}|${ref}`, () =>
    world.transitions.submit(world.shard, [{ ...of, parent: `${run}|${ref}` }]),
  );
  const isThere = answer?.outcome === 'accepted' || answer?.outcome === 'known';
  if (isThere) world.submitted.add(child);
  return isThere ? child : undefined;
}

/** A worker is killed, or freezes past its leases: they run out. One that only froze still hands in later. */
export async function loseWorker(world: World): Promise<void> {
  const { chance } = world;
  const some = world.claims.filter(() => chance.once(2)).slice(0, 8);
  const isKilled = chance.once(2);
  world.tell(`${isKilled ? 'kill' : 'freeze'} ${some.map(({ run, ref }) => `${run}|${ref}`).join()}`);
  await world.transitions.beat(
    world.shard,
    some.map((claim) => ({ ...claim, leaseMs: 0, progress: '' })),
  );
  if (isKilled) world.claims = world.claims.filter((claim) => !some.includes(claim));
}

export async function beatSome(world: World): Promise<void> {
  const claims = world.claims.slice(0, 8).map((claim) => ({ ...claim, leaseMs: longMs, progress: '{"done":1}' }));
  const held = await world.transitions.beat(world.shard, claims);
  const isLost = new Set(
    claims.flatMap(({ run, ref, fence }, index) => (held[index] === 'lost' ? [`${run}|${ref}|${fence}`] : [])),
  );
  world.tell(`beat ${held.join()}`);
  // Half of those who learn it stop; the others hand in all the same.
  if (world.chance.once(2))
    world.claims = world.claims.filter(({ run, ref, fence }) => !isLost.has(`${run}|${ref}|${fence}`));
}

/** Puts an ended run back, sometimes only half. */
export async function resetRun(world: World, run: HeldRun, isWhole: boolean): Promise<void> {
  const states = run.plan.steps.map((_, step) => run.steps.get(String(step))?.state ?? 'waiting');
  const counted = new Set(states.keys().filter((step) => Number(run.counts[String(step)] ?? 0) > 0));
  const maps = new Map(states.flatMap((_, step) => mapOf(run, step)));
  const from = world.chance.once(3) ? [world.chance.below(states.length)] : [];
  const reset = planReset({ plan: run.plan, states, counted, maps }, from);
  const on = { on: run.id, tenant: run.fields['tenant'] ?? '', actor: 'ops', reason: 'again' };
  for (const part of partsOf(reset, 3)) {
    world.tell(`reset ${run.id} ${JSON.stringify(part)}`);
    const { outcome } = await world.transitions.control(world.shard, on, { verb: 'reset', ...part, left: reset.left });
    if (outcome !== 'done' || (!isWhole && world.chance.once(4))) return;
  }
}

function mapOf(run: HeldRun, step: number): [number, MapItems][] {
  const items = Number(run.counts[`${step}n`] ?? 0);
  if (run.plan.profileOf(String(step))?.kind !== 'map' || items === 0) return [];
  const released = Number(run.counts[`${step}r`] ?? 0);
  const states = Array.from({ length: released }, (_, item) => run.steps.get(`${step}.${item}`)?.state ?? 'waiting');
  return [[step, { items, released, states }]];
}
