import { findCycle, type StepGraph } from './workflow-graph.ts';
import { nearest, type Findings } from './workflow-findings.ts';
import type { Step, Workflow } from './workflow.ts';

/** How many names of a long cycle are told. */
const cycleShownMax = 10;

/** Names that stand twice, and needs that no step has. */
export function checkNames({ steps }: Workflow, findings: Findings): void {
  const first = new Map<string, number>();
  for (const [index, { name }] of steps.entries()) {
    const path = ['steps', index, 'name'];
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, index);
    else {
      const message = `the step "${name}" stands here a second time: it is steps.${earlier} already`;
      findings.add(path, message, 'give one of the two another name');
    }
    // Results are looked up by the name of their step, and every object has these already.
    if (name in Object.prototype) findings.add(path, `no step may be called "${name}"`, 'give it another name');
  }
  const names = [...first.keys()];
  for (const [index, step] of steps.entries()) if (!findings.full) checkNeeds(step, index, { first, names, findings });
}

interface Known {
  readonly first: ReadonlyMap<string, number>;
  readonly names: readonly string[];
  readonly findings: Findings;
}

function checkNeeds(step: Step, index: number, { first, names, findings }: Known): void {
  const needs = step.needs ?? [];
  for (const [position, need] of needs.entries()) {
    const path = ['steps', index, 'needs', position];
    if (need === step.name) findings.add(path, `the step "${need}" needs itself`, 'take it out of its own needs');
    else if (!first.has(need)) findings.add(path, `there is no step "${need}"`, () => nearest(need, names));
  }
  findings.addDoubled(['steps', index, 'needs'], needs, 'need');
}

/** Steps that wait for each other: the names on the way round. */
export function checkCycle(steps: readonly Step[], graph: StepGraph, findings: Findings): void {
  const cycle = findCycle(graph);
  const [start] = cycle;
  if (start === undefined) return;
  const names = cycle.map((index) => steps[index]?.name ?? '');
  const half = cycleShownMax / 2;
  const more = `… (${names.length - cycleShownMax} more)`;
  const shown = names.length <= cycleShownMax ? names : [...names.slice(0, half), more, ...names.slice(-half)];
  const message = `these steps wait for each other: ${[...shown, names[0]].join(' needs ')}`;
  findings.add(['steps', start, 'needs'], message, 'take out one of these needs');
}
