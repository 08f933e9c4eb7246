import { hasExpression, parseTemplate, type ExpressionRoot } from '../expression.ts';
import { checkPlace, refuseExpressions } from './workflow-expression-checks.ts';
import { nearest, type Findings, type Path } from './workflow-findings.ts';
import type { Parameter, Trigger, Workflow } from './workflow.ts';

type Way = 'manual' | 'cron' | 'everySeconds' | 'event' | 'dataset' | 'webhook' | 'workflow';

const ways: readonly Way[] = ['manual', 'cron', 'everySeconds', 'event', 'dataset', 'webhook', 'workflow'];

/** Triggers that come with something to tell. */
const withEvent: readonly Way[] = ['event', 'dataset', 'webhook', 'workflow'];

/** What starts runs: each trigger by itself, then those that are one and the same. */
export function checkTriggers(workflow: Workflow, findings: Findings): void {
  const first = new Map<string, number>();
  for (const [index, trigger] of workflow.triggers.entries()) {
    const path = ['triggers', index];
    checkTrigger(trigger, path, { workflow, findings });
    checkGiven(trigger, path, { workflow, findings });
    const identity = identityOf(trigger);
    const earlier = first.get(identity);
    if (earlier === undefined) first.set(identity, index);
    else {
      const message = `this is the trigger triggers.${earlier} once more: ${identity}`;
      findings.add([...path, wayOf(trigger)], message, 'delete one of the two');
    }
  }
}

export function wayOf(trigger: Trigger): Way {
  return ways.find((way) => way in trigger) ?? 'manual';
}

/** What tells a trigger from the others of its workflow: the way, and what it waits for. */
function identityOf(trigger: Trigger): string {
  if ('cron' in trigger) return `cron ${trigger.cron} ${trigger.timezone ?? 'UTC'}`;
  if ('everySeconds' in trigger) return `everySeconds ${trigger.everySeconds} ${trigger.offsetSeconds ?? 0}`;
  if ('event' in trigger)
    return trigger.key === undefined ? `event ${trigger.event}` : `event ${trigger.event} ${trigger.key}`;
  if ('dataset' in trigger)
    return `dataset ${[...datasetsOf(trigger)].sort().join(' ')} ${trigger.olderThanSeconds ?? ''}`;
  if ('webhook' in trigger) return `webhook ${trigger.webhook}`;
  if ('workflow' in trigger) return `workflow ${trigger.workflow} ${trigger.on ?? 'succeeded'}`;
  return 'manual';
}

interface Place {
  readonly workflow: Workflow;
  readonly findings: Findings;
}

function checkTrigger(trigger: Trigger, path: Path, { workflow, findings }: Place): void {
  if ('everySeconds' in trigger && (trigger.offsetSeconds ?? 0) >= trigger.everySeconds) {
    const message = `offsetSeconds is ${trigger.offsetSeconds ?? 0}, not less than everySeconds, ${trigger.everySeconds}`;
    findings.add([...path, 'offsetSeconds'], message, 'take everySeconds off it until it is less');
  }
  if ('event' in trigger && trigger.key !== undefined) refuseExpressions(trigger.key, [...path, 'key'], findings);
  if ('workflow' in trigger && trigger.workflow === workflow.name) {
    const message = `the workflow "${workflow.name}" starts itself, without an end`;
    findings.add([...path, 'workflow'], message, 'name another workflow, or use everySeconds');
  }
  if ('dataset' in trigger) checkDatasets(trigger, path, { workflow, findings });
}

function checkDatasets(
  trigger: Extract<Trigger, { dataset: unknown }>,
  path: Path,
  { workflow, findings }: Place,
): void {
  const datasets = datasetsOf(trigger);
  findings.addDoubled([...path, 'dataset'], datasets, 'dataset');
  if (trigger.olderThanSeconds !== undefined) return;
  const own = new Set(workflow.steps.flatMap((step) => step.updates ?? []));
  if (!datasets.every((dataset) => own.has(dataset))) return;
  const message = `the workflow brings ${datasets.join(', ')} up to date itself: each run would start the next`;
  findings.add([...path, 'dataset'], message, 'add olderThanSeconds, or wait for what it reads');
}

function datasetsOf({ dataset }: Extract<Trigger, { dataset: unknown }>): readonly string[] {
  return typeof dataset === 'string' ? [dataset] : dataset;
}

/** The parameters that a trigger gives: declared, of their type, from what a trigger knows. */
function checkGiven(trigger: Trigger, path: Path, { workflow, findings }: Place): void {
  const declared = workflow.parameters ?? {};
  const way = wayOf(trigger);
  const roots: readonly ExpressionRoot[] = withEvent.includes(way) ? ['event', 'run'] : ['run'];
  for (const [name, value] of Object.entries(trigger.parameters ?? {})) {
    const at = [...path, 'parameters', name];
    const parameter = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (parameter === undefined) {
      findings.add(at, `there is no parameter "${name}"`, () => nearest(name, Object.keys(declared)));
      continue;
    }
    const place = { path: at, value, where: `the parameters of a trigger by ${way}`, roots };
    // Nothing that a trigger knows leads to the result of a step: going over the expressions is all of the check.
    for (const { path: wrong } of checkPlace(place, { parameters: [], findings })) {
      findings.add(wrong, 'no step has run when a trigger fires', 'take it from event or run');
    }
    checkType(value, parameter, { at, name, findings });
  }
}

function checkType(
  value: unknown,
  { type }: Parameter,
  { at, name, findings }: { readonly at: Path; readonly name: string; readonly findings: Findings },
): void {
  const template = typeof value === 'string' && hasExpression(value) ? parseTemplate(value) : undefined;
  // A whole expression may become any type; what it becomes is checked when the run starts.
  if (template !== undefined && (!template.ok || template.parts.length === 1)) return;
  if (typeof value === type) return;
  const shown = JSON.stringify(value).slice(0, 100);
  findings.add(at, `the parameter "${name}" is ${shown}, its type is ${type}`, `write a ${type}, or change the type`);
}

/** Defaults of their type; and where no one is there to give a value, a default or the trigger's own. */
export function checkParameters(workflow: Workflow, findings: Findings): void {
  for (const [name, parameter] of Object.entries(workflow.parameters ?? {})) {
    const path = ['parameters', name];
    const value = parameter.default;
    if (value === undefined) {
      checkMissing(workflow, name, findings);
    } else if (typeof value !== parameter.type) {
      const message = `the default of "${name}" is ${JSON.stringify(value).slice(0, 100)}, its type is ${parameter.type}`;
      findings.add([...path, 'default'], message, `write a ${parameter.type}, or change the type`);
    } else {
      refuseExpressions(value, [...path, 'default'], findings);
    }
  }
}

function checkMissing(workflow: Workflow, name: string, findings: Findings): void {
  const without = workflow.triggers.find(
    (trigger) => wayOf(trigger) !== 'manual' && !Object.hasOwn(trigger.parameters ?? {}, name),
  );
  if (without === undefined) return;
  const message = `the parameter "${name}" has no default, but a ${wayOf(without)} trigger starts runs without it`;
  const hint = `give it a default, or give the trigger parameters: { ${name}: … }`;
  findings.add(['parameters', name], message, hint);
}
