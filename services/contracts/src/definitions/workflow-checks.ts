import { closest } from 'fastest-levenshtein';
import { expressionRoots, referencesIn, runFields, type Reference } from '../expression.ts';
import type { PathProblem } from '../schema-problems.ts';
import type { Step, Workflow } from './workflow.ts';

/** What the schema can't tell of a workflow: names that must exist, cycles, expressions, values that contradict each other. */
export function checkWorkflow(workflow: Workflow): PathProblem[] {
  const graph = [...checkNames(workflow), ...checkNeeds(workflow)];
  // Cycles and what lies upstream are told only of a graph whose names are sound.
  const deeper = graph.length > 0 ? [] : [...checkCycle(workflow), ...checkExpressions(workflow)];
  return [...graph, ...deeper, ...checkParameters(workflow), ...checkRetries(workflow)];
}

function checkNames(workflow: Workflow): PathProblem[] {
  const first = new Map<string, number>();
  return workflow.steps.flatMap(({ name }, index) => {
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, index);
      return [];
    }
    const message = `the step "${name}" stands here a second time: it is steps.${earlier} already`;
    return [{ path: ['steps', index, 'name'], message, hint: 'give one of the two another name' }];
  });
}

function checkNeeds(workflow: Workflow): PathProblem[] {
  const names = workflow.steps.map((step) => step.name);
  return workflow.steps.flatMap((step, index) =>
    (step.needs ?? []).flatMap((need, position, needs) => {
      const path = ['steps', index, 'needs', position];
      if (need === step.name) {
        return [{ path, message: `the step "${need}" needs itself`, hint: 'take it out of its own needs' }];
      }
      if (!names.includes(need)) return [{ path, message: `there is no step "${need}"`, hint: nearest(need, names) }];
      if (needs.indexOf(need) === position) return [];
      return [{ path, message: `the need "${need}" stands here twice`, hint: 'once is enough: delete one' }];
    }),
  );
}

function checkCycle(workflow: Workflow): PathProblem[] {
  const steps = new Map(workflow.steps.map((step, index) => [step.name, { step, index }]));
  const done = new Set<string>();
  const walk = (name: string, chain: readonly string[]): string[] | undefined => {
    if (chain.includes(name)) return [...chain.slice(chain.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const need of steps.get(name)?.step.needs ?? []) {
      const cycle = walk(need, [...chain, name]);
      if (cycle !== undefined) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of steps.keys()) {
    const cycle = walk(name, []);
    if (cycle === undefined) continue;
    const at = steps.get(cycle[0] ?? name)?.index ?? 0;
    const message = `these steps wait for each other: ${cycle.join(' needs ')}`;
    return [{ path: ['steps', at, 'needs'], message, hint: 'take out one of these needs' }];
  }
  return [];
}

function checkExpressions(workflow: Workflow): PathProblem[] {
  const ancestors = ancestorsOf(workflow.steps);
  return workflow.steps.flatMap((step, index) => {
    const upstream = ancestors.get(step.name) ?? new Set();
    return [...referencesIn(step.with, ['steps', index, 'with'])].flatMap(({ path, found }) => {
      if (typeof found === 'string') {
        const hint = `an expression is \${{ ${expressionRoots.join('.… | ')}.… }}`;
        return [{ path, message: found, hint }];
      }
      const wrong = checkReference(found, workflow, { step, upstream });
      return wrong === undefined ? [] : [{ path, ...wrong }];
    });
  });
}

type Wrong = Pick<PathProblem, 'message' | 'hint'> | undefined;

function checkReference(
  reference: Reference,
  workflow: Workflow,
  place: { step: Step; upstream: ReadonlySet<string> },
): Wrong {
  const name = String(reference.path[0] ?? '');
  if (reference.root === 'steps') return checkStepReference(reference, workflow, place);
  const known = reference.root === 'parameters' ? Object.keys(workflow.parameters ?? {}) : [...runFields];
  if (reference.path.length === 1 && known.includes(name)) return undefined;
  if (known.includes(name)) {
    return { message: `"${reference.text}": "${name}" has no parts`, hint: `write ${reference.root}.${name}` };
  }
  const what = reference.root === 'parameters' ? 'parameter' : 'field of run';
  return { message: `"${reference.text}": there is no ${what} "${name}"`, hint: nearest(name, known) };
}

function checkStepReference(
  reference: Reference,
  workflow: Workflow,
  place: { step: Step; upstream: ReadonlySet<string> },
): Wrong {
  const [name, part] = reference.path.map(String);
  const names = workflow.steps.map((step) => step.name);
  if (name === undefined || !names.includes(name)) {
    return { message: `"${reference.text}": there is no step "${name ?? ''}"`, hint: nearest(name ?? '', names) };
  }
  if (part !== 'result') {
    const message = `"${reference.text}": a step offers its result, not "${part ?? ''}"`;
    return { message, hint: `write steps.${name}.result` };
  }
  if (place.upstream.has(name)) return undefined;
  const message = `"${reference.text}": the step "${place.step.name}" may start before "${name}" has ended`;
  return { message, hint: `add "${name}" to the needs of "${place.step.name}"` };
}

/** All steps that have ended when a step starts. The graph must have no cycle. */
function ancestorsOf(steps: readonly Step[]): Map<string, Set<string>> {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const found = new Map<string, Set<string>>();
  const visit = (name: string): Set<string> => {
    const known = found.get(name);
    if (known !== undefined) return known;
    const all = new Set<string>();
    // Set before the walk, so that even a cycle, which is told elsewhere, ends it.
    found.set(name, all);
    for (const need of byName.get(name)?.needs ?? []) {
      all.add(need);
      for (const further of visit(need)) all.add(further);
    }
    return all;
  };
  for (const name of byName.keys()) visit(name);
  return found;
}

function checkParameters(workflow: Workflow): PathProblem[] {
  const cron = workflow.triggers.some((trigger) => 'cron' in trigger);
  return Object.entries(workflow.parameters ?? {}).flatMap(([name, parameter]) => {
    const path = ['parameters', name];
    if (parameter.default === undefined) {
      if (!cron) return [];
      const message = `the parameter "${name}" has no default, but a cron trigger starts runs without parameters`;
      return [{ path, message, hint: 'give it a default, or take it from run.day or run.time instead' }];
    }
    if (typeof parameter.default === parameter.type) return [];
    const message = `the default of "${name}" is ${JSON.stringify(parameter.default)}, its type is ${parameter.type}`;
    return [{ path: [...path, 'default'], message, hint: `write a ${parameter.type}, or change the type` }];
  });
}

function checkRetries(workflow: Workflow): PathProblem[] {
  return workflow.steps.flatMap(({ retry }, index) => {
    if (retry?.backoffMs === undefined || retry.backoffMaxMs === undefined) return [];
    if (retry.backoffMaxMs >= retry.backoffMs) return [];
    const message = `backoffMaxMs is ${retry.backoffMaxMs}, less than backoffMs, ${retry.backoffMs}`;
    const path = ['steps', index, 'retry', 'backoffMaxMs'];
    return [{ path, message, hint: 'the first wait is backoffMs: raise backoffMaxMs to it or above' }];
  });
}

function nearest(word: string, words: readonly string[]): string {
  if (words.length === 0) return 'there is none to name here';
  return `did you mean "${closest(word, [...words])}"? known: ${words.slice(0, 20).join(', ')}`;
}
