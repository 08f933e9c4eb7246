import type { Step, Workflow } from '@orrery/contracts/definitions/workflow';
import { planWorkflow, type Profile, type WorkflowPlan } from '#services/orchestrator/src/core/plan.ts';

type Uses<Kind extends Step['uses']> = Pick<Extract<Step, { uses: Kind }>, 'uses' | 'with'>;

const task: Uses<'task'> = { uses: 'task', with: { handler: 'work' } };
const bulk: Uses<'task'> = { uses: 'task', with: { handler: 'work', pool: 'bulk' } };
const timer: Uses<'wait'> = { uses: 'wait', with: { forMs: 1 } };
const event: Uses<'wait'> = { uses: 'wait', with: { event: 'order', key: 'k1' } };
const approval: Uses<'approve'> = { uses: 'approve', with: { who: ['ann', 'bob', 'cleo'], quorum: 2 } };
const child: Uses<'workflow'> = { uses: 'workflow', with: { workflow: 'chain' } };
const one = { key: 'one', max: 1 };

function workflow(name: string, steps: Step[], more: Partial<Workflow> = {}): Workflow {
  const head = { kind: 'Workflow', schema: 1, owner: 'people', triggers: [{ manual: true }] } as const;
  return { ...head, triggers: [...head.triggers], name, steps, ...more };
}

/** Milliseconds where a definition has seconds, so that they come within a few calls. */
function hasty(plan: WorkflowPlan, times: Partial<Profile>, timeoutMs = plan.timeoutMs): WorkflowPlan {
  return { ...plan, timeoutMs, profiles: plan.profiles.map((profile) => ({ ...profile, ...times })) };
}

const diamond = workflow(
  'diamond',
  [
    { name: 'a', ...task },
    { name: 'b', needs: ['a'], ...bulk, limit: one },
    { name: 'c', needs: ['a'], ...timer },
    { name: 'd', needs: ['b', 'c'], ...task, retry: { attemptsMax: 2, backoffMs: 1, jitter: 'none' } },
  ],
  { runsMax: 2 },
);

const chain = workflow('chain', [
  { name: 'a', ...task, retry: { attemptsMax: 3, backoffMs: 1, backoffMaxMs: 2, jitter: 'none' } },
  {
    name: 'b',
    needs: ['a'],
    ...task,
    retry: {
      attemptsMax: 2,
      backoffMs: 4,
      backoffMaxMs: 100,
      classes: { inputs: { attemptsMax: 3 }, throttled: { backoffMs: 2 } },
    },
  },
  { name: 'c', needs: ['b'], ...task, fallback: { result: { worse: true }, classes: ['timeout', 'unavailable'] } },
]);

const fan = workflow(
  'fan',
  [
    { name: 'a', ...task, limit: one },
    { name: 'b', ...task, limit: one },
    { name: 'c', ...bulk, limit: { key: 'two', max: 2 } },
    { name: 'd', ...bulk, limit: { key: 'two', max: 2 }, retry: { attemptsMax: 2, backoffMs: 1 } },
    { name: 'e', ...bulk, limit: { key: 'two', max: 2 }, fallback: { result: null } },
    { name: 'f', needs: ['a', 'b', 'c', 'd', 'e'], ...task },
  ],
  { runsMax: 3 },
);

const people = workflow(
  'people',
  [
    { name: 'ask', ...approval, retry: { attemptsMax: 2, backoffMs: 1, classes: { failure: { attemptsMax: 2 } } } },
    { name: 'hear', ...event },
    { name: 'call', needs: ['ask'], ...child, retry: { attemptsMax: 2, backoffMs: 1 } },
    { name: 'end', needs: ['hear', 'call'], ...task },
  ],
  { runsMax: 2 },
);

const map = workflow(
  'map',
  [
    { name: 'list', ...task },
    {
      name: 'each',
      needs: ['list'],
      uses: 'map',
      with: { over: '${{ steps.list.result }}', atOnce: 2, failuresMax: 1 },
      step: { ...task, retry: { attemptsMax: 2, backoffMs: 1 }, limit: { key: 'item', max: 2 } },
    },
    { name: 'sum', needs: ['each'], ...bulk },
  ],
  { runsMax: 2 },
);

const calls = workflow('calls', [
  {
    name: 'each',
    uses: 'map',
    with: { over: '${{ parameters.list }}', atOnce: 3, failuresMax: 0 },
    step: { uses: 'workflow', with: { workflow: 'chain' } },
  },
]);

/** What the random operations start. */
export const plans: readonly WorkflowPlan[] = [
  ...[diamond, chain, fan, people, map, calls].map((each) => planWorkflow(each)),
  hasty(planWorkflow({ ...diamond, name: 'brief-attempts' }), { attempt: 2 }),
  hasty(planWorkflow({ ...fan, name: 'brief-queues' }), { queue: 4 }),
  hasty(planWorkflow({ ...map, name: 'brief-steps' }), { total: 8 }),
  hasty(planWorkflow({ ...people, name: 'brief-runs' }), {}, 12),
];

/** The same without clocks that would run out by themselves. */
export const patientPlans = plans.filter(({ workflow: { name } }) => !name.startsWith('brief-'));

export function planNamed(name: string): WorkflowPlan {
  const found = plans.find(({ workflow: each }) => each.name === name);
  if (found === undefined) throw new Error(`no plan ${name}`);
  return found;
}
