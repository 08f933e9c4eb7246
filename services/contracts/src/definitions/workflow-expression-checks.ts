import { hasExpression, referencesIn, runFields } from '../expression.ts';
import type { ExpressionRoot, Reference } from '../expression.ts';
import { findAncestors } from './workflow-ancestors.ts';
import { nearest, type Findings, type Path } from './workflow-findings.ts';
import type { StepGraph } from './workflow-graph.ts';
import type { StepBody, Step } from './workflow-steps.ts';
import type { Workflow } from './workflow.ts';

/** A value whose expressions are read: where it stands, and what they may begin with there. */
export interface ExpressionPlace {
  readonly path: Path;
  readonly value: unknown;
  readonly where: string;
  readonly roots: readonly ExpressionRoot[];
}

/** What all expressions of a workflow are compared with. */
export interface Vocabulary {
  readonly parameters: readonly string[];
  readonly findings: Findings;
}

/** A reference to the result of a step, whose place upstream is asked for together with all the others. */
interface ResultReference {
  readonly path: Path;
  readonly reference: Reference;
  readonly from: number;
  readonly to: number;
}

const inStep: readonly ExpressionRoot[] = ['parameters', 'steps', 'run', 'needs'];
const inMap: readonly ExpressionRoot[] = [...inStep, 'item', 'index'];
const wheres: Readonly<Partial<Record<ExpressionRoot, string>>> = {
  item: 'item is known only inside of the step of a map',
  index: 'index is known only inside of the step of a map',
  event: 'event is known only in the parameters of a trigger that has one',
};

/** The expressions of all steps: each is parsed once. */
export function checkExpressions(workflow: Workflow, graph: StepGraph, findings: Findings): void {
  const vocabulary = { parameters: Object.keys(workflow.parameters ?? {}), findings };
  const needs = new NeedSets(workflow.steps);
  const results: ResultReference[] = [];
  for (const [from, step] of workflow.steps.entries()) {
    if (findings.full) return;
    const references = [...placesOf(step, from)].flatMap((place) => [...checkPlace(place, vocabulary)]);
    for (const { path, reference } of references) {
      const name = checkResult({ steps: workflow.steps, graph, needs, findings }, { path, reference, from });
      if (name === undefined || needs.has(from, name)) continue;
      results.push({ path, reference, from, to: graph.indexes.get(name) ?? 0 });
    }
  }
  for (const [at, answer] of findAncestors(graph, results).entries()) {
    const asked = results[at];
    if (answer !== 'yes' && asked !== undefined) addTooEarly(workflow.steps, asked, answer === 'too-far', findings);
  }
}

/** Every value of a step in which expressions are read. */
function* placesOf(step: Step, index: number): Generator<ExpressionPlace> {
  const path = ['steps', index];
  yield { path: [...path, 'with'], value: readWith(step), where: 'a step', roots: inStep };
  yield* limitOf(step, path, ['parameters', 'run']);
  if (step.uses !== 'map') return;
  const within = [...path, 'step'];
  yield { path: [...within, 'with'], value: readWith(step.step), where: 'the step of a map', roots: inMap };
  yield* limitOf(step.step, within, ['parameters', 'run', 'item']);
}

/** What of a step's `with` is read for expressions. SQL is sent as it stands: what changes in it are its parameters. */
export function readWith(step: Pick<Step | StepBody, 'uses' | 'with'>): unknown {
  if (step.uses !== 'sql') return step.with;
  return 'parameters' in step.with ? { parameters: step.with.parameters } : {};
}

function* limitOf(
  { limit }: Pick<Step, 'limit'>,
  path: Path,
  roots: readonly ExpressionRoot[],
): Generator<ExpressionPlace> {
  if (limit === undefined || !hasExpression(limit.key)) return;
  yield { path: [...path, 'limit', 'key'], value: limit.key, where: 'the key of a limit', roots };
}

/** Checks the expressions of one value; yields those that name the result of a step. */
export function* checkPlace(
  { path, value, where, roots }: ExpressionPlace,
  { findings, parameters }: Vocabulary,
): Generator<{ readonly path: Path; readonly reference: Reference }> {
  for (const { path: at, found } of referencesIn(value, path)) {
    if (typeof found === 'string') {
      findings.add(at, found, `an expression is \${{ ${roots.join('.… | ')}.… }}`);
    } else if (!roots.includes(found.root)) {
      const elsewhere = roots.includes('item') ? undefined : wheres[found.root];
      const reason = elsewhere ?? `${found.root} is not known in ${where}`;
      findings.add(at, `"${found.text}": ${reason}`, `an expression here begins with ${roots.join(', ')}`);
    } else if (found.root === 'steps' || found.root === 'needs') {
      yield { path: at, reference: found };
    } else if (found.root === 'parameters') {
      checkField(at, found, { known: parameters, what: 'parameter', findings });
    } else if (found.root === 'run') {
      checkField(at, found, { known: runFields, what: 'field of run', findings });
    } else if (found.root === 'index' && found.path.length > 0) {
      findings.add(at, `"${found.text}": index is a number and has no parts`, 'write index');
    }
  }
}

function checkField(
  at: Path,
  { root, path, text }: Reference,
  { known, what, findings }: { readonly known: readonly string[]; readonly what: string; readonly findings: Findings },
): void {
  const name = String(path[0] ?? '');
  if (!known.includes(name)) findings.add(at, `"${text}": there is no ${what} "${name}"`, () => nearest(name, known));
  else if (path.length > 1) findings.add(at, `"${text}": "${name}" has no parts`, `write ${root}.${name}`);
}

interface Surroundings {
  readonly steps: readonly Step[];
  readonly graph: StepGraph;
  readonly needs: NeedSets;
  readonly findings: Findings;
}

/** The name of the step whose result is asked for; undefined when there is nothing more to ask, or something is wrong. */
function checkResult(
  { steps, graph, needs, findings }: Surroundings,
  { path, reference, from }: Omit<ResultReference, 'to'>,
): string | undefined {
  const [name, part] = reference.path.map(String);
  const own = steps[from]?.needs ?? [];
  if (reference.root === 'needs') {
    if (own.length === 0) {
      findings.add(path, `"${reference.text}": the step "${steps[from]?.name ?? ''}" has no needs`, 'give it needs');
    } else if (name !== undefined && !needs.has(from, name)) {
      findings.add(path, `"${reference.text}": "${name}" is none of its needs`, () => nearest(name, own));
    }
    return undefined;
  }
  const target = name === undefined ? undefined : graph.indexes.get(name);
  if (name === undefined || target === undefined) {
    const hint = () => nearest(name ?? '', [...graph.indexes.keys()]);
    findings.add(path, `"${reference.text}": there is no step "${name ?? ''}"`, hint);
    return undefined;
  }
  if (part === 'result') return name;
  if (part === 'results' && steps[target]?.uses === 'map') return name;
  const message =
    part === 'results'
      ? `"${reference.text}": only a map has results, "${name}" uses ${steps[target]?.uses ?? ''}`
      : `"${reference.text}": a step offers its result, not "${part ?? ''}"`;
  findings.add(path, message, `write steps.${name}.result`);
  return undefined;
}

function addTooEarly(steps: readonly Step[], asked: ResultReference, far: boolean, findings: Findings): void {
  const [from, to] = [steps[asked.from]?.name ?? '', steps[asked.to]?.name ?? ''];
  const text = `"${asked.reference.text}"`;
  const hint = `add "${to}" to the needs of "${from}"`;
  if (from === to) {
    findings.add(asked.path, `${text}: the step "${to}" has no result before it has ended`, 'name a step before it');
  } else if (far) {
    findings.add(asked.path, `${text}: so many needs can't be followed to tell that "${to}" has ended`, hint);
  } else {
    findings.add(asked.path, `${text}: the step "${from}" may start before "${to}" has ended`, hint);
  }
}

/** The needs of the step that was asked for last, as a set: one step may name as many results as it has needs. */
class NeedSets {
  readonly #steps: readonly Step[];
  #index = -1;
  #needs: ReadonlySet<string> = new Set();

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  has(index: number, name: string): boolean {
    if (index !== this.#index) {
      this.#index = index;
      this.#needs = new Set(this.#steps[index]?.needs);
    }
    return this.#needs.has(name);
  }
}

/** Says that a text which is taken as it stands has an expression in it. */
export function refuseExpressions(value: unknown, path: Path, findings: Findings): void {
  for (const { path: at, found } of referencesIn(value, path)) {
    const text = typeof found === 'string' ? found : `"${found.text}"`;
    findings.add(at, `${text}: an expression is not read here`, 'write the value itself');
  }
}
