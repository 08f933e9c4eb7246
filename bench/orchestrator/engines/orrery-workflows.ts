import type { Workload } from '../workloads.ts';

/** A file of the definitions' folder: JSON is YAML, and needs no writer of YAML. */
export interface DefinitionFile {
  readonly name: string;
  readonly text: string;
}

export const tenants = { most: 'main', big: 'big', small: 'small' } as const;

/** Steps of one run of a backlog: so many runs of it make the whole. */
export const backlogSteps = 10_000;
/** A workflow has at most so many triggers; the schedules are spread over workflows. */
const triggersMax = 16;

const manual = [{ manual: true }];
const head = { kind: 'Workflow', schema: 1, owner: 'bench', triggers: manual };
/** As many tries as a job of BullMQ is given. */
const retry = { attemptsMax: 3, backoffMs: 1000 };
const nothing = { uses: 'task', retry, with: { handler: 'nothing' } };

export function workflowName(workload: Workload): string {
  switch (workload.kind) {
    case 'fan-out':
      return `fan-out-${workload.tasks}`;
    case 'chain':
      return `chain-${workload.steps}`;
    case 'diamonds':
      return `diamond-${workload.wide}`;
    case 'wide':
      return `wide-${workload.layers}-${workload.columns}`;
    default:
      return 'start';
  }
}

/** The workflows that these workloads need, each once. */
export function defineWorkflows(workloads: readonly Workload[]): DefinitionFile[] {
  const files = new Map<string, object>();
  for (const workload of workloads) {
    for (const [name, definition] of definitionsOf(workload)) files.set(name, definition);
  }
  return [...files].map(([name, definition]) => ({ name: `${name}.yaml`, text: JSON.stringify(definition) }));
}

function definitionsOf(workload: Workload): [name: string, definition: object][] {
  const name = workflowName(workload);
  switch (workload.kind) {
    case 'neighbour':
      return [
        ['start', defineStart(tenants.small)],
        ['backlog', defineBacklog(Math.min(backlogSteps, workload.backlog), workload.taskMs)],
      ];
    case 'schedules':
      return defineSchedules(workload.schedules, workload.everySeconds);
    case 'start':
      return [[name, defineStart(tenants.most)]];
    default:
      return [[name, { ...head, name, runsMax: workload.kind === 'diamonds' ? 1000 : 1, steps: stepsOf(workload) }]];
  }
}

function stepsOf(workload: Extract<Workload, { kind: 'fan-out' | 'chain' | 'diamonds' | 'wide' }>): object[] {
  switch (workload.kind) {
    case 'fan-out': {
      const tasks = Array.from({ length: workload.tasks }, (_, index) => ({ name: `t${index}`, ...nothing }));
      return [...tasks, defineJoin(tasks.map((task) => task.name))];
    }
    case 'chain':
      return Array.from({ length: workload.steps }, (_, index) => ({
        name: `s${index}`,
        ...(index === 0 ? {} : { needs: [`s${index - 1}`] }),
        ...nothing,
      }));
    case 'diamonds': {
      const middle = Array.from({ length: workload.wide }, (_, index) => ({
        name: `m${index}`,
        needs: ['source'],
        ...nothing,
      }));
      return [{ name: 'source', ...nothing }, ...middle, defineJoin(middle.map((step) => step.name))];
    }
    case 'wide':
      return Array.from({ length: workload.layers * workload.columns }, (_, index) => {
        const [layer, column] = [Math.floor(index / workload.columns), index % workload.columns];
        const above = (place: number) => `l${layer - 1}c${place % workload.columns}`;
        const needs = layer === 0 ? {} : { needs: [above(column), above(column + 1)] };
        return { name: `l${layer}c${column}`, ...needs, ...nothing };
      });
  }
}

const defineJoin = (needs: readonly string[]) => ({
  ...{ name: 'join', uses: 'task', needs, retry },
  with: { handler: 'join', input: { results: '${{ needs }}', expected: needs.length } },
});

const defineStart = (tenant: string) => ({
  ...head,
  ...{ name: 'start', tenant, runsMax: 1000 },
  parameters: { sample: { type: 'string' }, askedAtMs: { type: 'number' } },
  steps: [
    {
      ...{ name: 'start', uses: 'task', retry },
      with: {
        handler: 'start',
        input: { sample: '${{ parameters.sample }}', askedAtMs: '${{ parameters.askedAtMs }}' },
      },
    },
  ],
});

const defineBacklog = (steps: number, busyMs: number) => ({
  ...head,
  ...{ name: 'backlog', tenant: tenants.big, runsMax: 1000 },
  steps: Array.from({ length: steps }, (_, index) => ({
    ...{ name: `b${index}`, uses: 'task', retry },
    with: { handler: 'busy', input: { ms: busyMs } },
  })),
});

function defineSchedules(schedules: number, everySeconds: number): [name: string, definition: object][] {
  // Each trigger of a workflow has a second of its own: the same twice is refused.
  const width = Math.min(triggersMax, everySeconds);
  return Array.from({ length: Math.ceil(schedules / width) }, (_, place) => {
    const name = `schedules-${place}`;
    const first = place * width;
    const triggers = Array.from({ length: Math.min(width, schedules - first) }, (_each, index) => ({
      everySeconds,
      offsetSeconds: (first + index) % everySeconds,
      parameters: { schedule: `schedule-${first + index}` },
    }));
    const input = { schedule: '${{ parameters.schedule }}', time: '${{ run.time }}' };
    const parameters = { schedule: { type: 'string' } };
    const step = { name: 'fire', uses: 'task', retry, with: { handler: 'fire', input } };
    return [name, { ...head, name, runsMax: 1000, triggers, parameters, steps: [step] }];
  });
}
