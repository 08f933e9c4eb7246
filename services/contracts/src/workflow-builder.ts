import { checkDefinition, type CrossCheckProblem } from './definition.ts';
import type { Step, StepUses } from './definitions/workflow-steps.ts';
import type { Workflow } from './definitions/workflow.ts';

type Key = string | number;
type Kind<Uses extends StepUses> = Extract<Step, { uses: Uses }>;

/** All of a step but its name and what it uses; what it needs may be told by the steps themselves. */
export type StepOptions<Uses extends StepUses> = Omit<Kind<Uses>, 'name' | 'uses' | 'needs'> & {
  readonly needs?: readonly (StepHandle | string)[];
};

/** A step, and what it leaves to those after it. */
export class StepHandle<Defined extends Step = Step> {
  readonly name: string;
  readonly definition: Defined;

  constructor(definition: Defined) {
    this.name = definition.name;
    this.definition = definition;
  }

  /** An expression for the result, or for the part of it under these keys: `train.result('outputs', 'model.onnx')`. */
  result(...keys: readonly Key[]): string {
    return expression(`steps.${this.name}.result`, keys);
  }
}

/** A map, which leaves the results of its items too. */
export class MapHandle extends StepHandle<Kind<'map'>> {
  /** An expression for the list of the items' results in order, null where one failed; or for a part of it. */
  results(...keys: readonly Key[]): string {
    return expression(`steps.${this.name}.results`, keys);
  }
}

/** A workflow without the two lines that all have; its steps as handles. */
export type WorkflowOptions = Omit<Workflow, 'kind' | 'schema' | 'steps'> & { readonly steps: readonly StepHandle[] };

/** The checks refused what a program built; told by paths, for there is no line to point at. */
export class WorkflowRefused extends Error {
  override readonly name = 'WorkflowRefused';
  readonly code = 'WORKFLOW_INVALID';
  readonly problems: readonly CrossCheckProblem[];

  constructor(workflow: string, problems: readonly CrossCheckProblem[]) {
    const told = problems.map(({ path, message, hint }) => `${path.join('.')}: ${message}\n    ${hint}`);
    super(`${problems.length} problems in the workflow "${workflow}":\n${told.join('\n')}`);
    this.problems = problems;
  }
}

/**
 * The definition that the same workflow in YAML is read as: the digests are equal. Throws WorkflowRefused for what the YAML would
 * be refused for.
 *
 *     const build = http('build', { with: { service: 'features', path: '/v1/x', body: { day: param('day') } } });
 *     const train = task('train', { needs: [build], with: { handler: 'train', input: build.result('dataset') } });
 *     export const nightly = workflow({ name: 'nightly', owner: 'data', triggers: [{ manual: true }], steps: [build, train] });
 */
export function workflow(options: WorkflowOptions): Workflow {
  const steps = options.steps.map(({ definition }) => definition);
  const definition: Workflow = { kind: 'Workflow', schema: 1, ...options, steps };
  const problems = checkDefinition(definition);
  if (problems.length > 0) throw new WorkflowRefused(options.name, problems);
  return definition;
}

/** A handler in a worker. */
export function task(name: string, { needs: before, ...rest }: StepOptions<'task'>): StepHandle<Kind<'task'>> {
  return new StepHandle({ ...rest, ...named(name, before), uses: 'task' });
}

/** A program in an isolated process. */
export function program(name: string, { needs: before, ...rest }: StepOptions<'process'>): StepHandle<Kind<'process'>> {
  return new StepHandle({ ...rest, ...named(name, before), uses: 'process' });
}

/** A call to a peer service. */
export function http(name: string, { needs: before, ...rest }: StepOptions<'http'>): StepHandle<Kind<'http'>> {
  return new StepHandle({ ...rest, ...named(name, before), uses: 'http' });
}

/** A statement for ClickHouse. */
export function sql(name: string, { needs: before, ...rest }: StepOptions<'sql'>): StepHandle<Kind<'sql'>> {
  return new StepHandle({ ...rest, ...named(name, before), uses: 'sql' });
}

/** The same for every item of a list: `with.over` is an expression, `step` knows `item()` and `index`. */
export function map(name: string, { needs: before, ...rest }: StepOptions<'map'>): MapHandle {
  return new MapHandle({ ...rest, ...named(name, before), uses: 'map' });
}

/** A run of another workflow. */
export function child(name: string, { needs: before, ...rest }: StepOptions<'workflow'>): StepHandle<Kind<'workflow'>> {
  return new StepHandle({ ...rest, ...named(name, before), uses: 'workflow' });
}

/** Until a time, an event or a dataset has come. */
export function wait(name: string, { needs: before, ...rest }: StepOptions<'wait'>): StepHandle<Kind<'wait'>> {
  return new StepHandle({ ...rest, ...named(name, before), uses: 'wait' });
}

/** Until people have agreed. */
export function approve(name: string, { needs: before, ...rest }: StepOptions<'approve'>): StepHandle<Kind<'approve'>> {
  return new StepHandle({ ...rest, ...named(name, before), uses: 'approve' });
}

/** An expression for a parameter of the run. */
export function param(name: string): string {
  return expression('parameters', [name]);
}

/** Expressions for what every run has: its id, its tenant, its logical time and the day of that. */
export const run = {
  id: expression('run', ['id']),
  tenant: expression('run', ['tenant']),
  time: expression('run', ['time']),
  day: expression('run', ['day']),
} as const;

/** In the step of a map: an expression for the item, or for a part of it. */
export function item(...keys: readonly Key[]): string {
  return expression('item', keys);
}

/** In the step of a map: an expression for the place of the item in the list, from 0. */
export const index = expression('index', []);

/** In the parameters of a trigger: an expression for what it came with, or for a part of it. */
export function event(...keys: readonly Key[]): string {
  return expression('event', keys);
}

/** An expression for the results of all steps that the step needs, by their names. */
export const needs = expression('needs', []);

function named(name: string, before: readonly (StepHandle | string)[] | undefined): { name: string; needs?: string[] } {
  if (before === undefined) return { name };
  return { name, needs: before.map((need) => (typeof need === 'string' ? need : need.name)) };
}

/** The text of an expression, as people write it: `.key` where that can be read, else `["key"]`. */
function expression(root: string, keys: readonly Key[]): string {
  const parts = keys.map((key) => {
    if (typeof key === 'number') return `[${key}]`;
    if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key)) return `.${key}`;
    if (/^[^"\\]{1,200}$/.test(key) && !key.includes('}}')) return `["${key}"]`;
    throw new TypeError(`${root}: the key ${JSON.stringify(key.slice(0, 100))} can't be written in an expression`);
  });
  return `\${{ ${root}${parts.join('')} }}`;
}
