import { closest } from 'fastest-levenshtein';
import { checkFeatureSet } from './definitions/feature-set-checks.ts';
import { FeatureSet } from './definitions/feature-set.ts';
import { Model } from './definitions/model.ts';
import { checkPipeline } from './definitions/pipeline-checks.ts';
import { Pipeline } from './definitions/pipeline.ts';
import { checkWorkflow } from './definitions/workflow-checks.ts';
import { findStartCycles, type Started } from './definitions/workflow-cycles.ts';
import { Workflow } from './definitions/workflow.ts';
import { findUnsound } from './document-soundness.ts';
import { problemsMax, type PathProblem } from './schema-problems.ts';
import { SourceText, type Problem, type ReadResult } from './source-text.ts';
import { validate, validateWorkflow } from './validation.ts';

export type { Problem, ReadResult } from './source-text.ts';

export type Definition = Workflow | Pipeline | FeatureSet | Model;
export type DefinitionKind = Definition['kind'];

/** Every kind of definition with its JSON Schema; `services/contracts/schema/` holds the published copies. */
export const definitionSchemas = { Workflow, Pipeline, FeatureSet, Model } as const;

/** A rule that one field alone can't tell: the path (keys and indexes) with what is wrong there. */
export type CrossCheckProblem = PathProblem;

/**
 * Reads one YAML definition of the given kind, or of the kind that it names. Never throws for what a person wrote: all problems
 * come back at once, each with line and column (from 1).
 */
export function readDefinition(text: string, file: string): ReadResult<Definition> {
  const source = new SourceText(text, file);
  const read = source.read();
  if (!read.ok) return read;
  const problems = judge(read.value);
  if (problems.length > 0) return { ok: false, problems: source.locate(problems) };
  return { ok: true, value: read.value as Definition };
}

/** The same for a value that a program made: what a text would be refused for is refused here, told by its path. */
export function checkDefinition(value: unknown): CrossCheckProblem[] {
  const unsound = findUnsound(value);
  return unsound === undefined ? judge(value).slice(0, problemsMax) : [unsound];
}

/** The same for a document that is no definition (a service's manifest, an environment's settings). */
export function readDocument<T>(text: string, file: string, schema: object): ReadResult<T> {
  const source = new SourceText(text, file);
  const read = source.read();
  if (!read.ok) return read;
  const problems = validate(schema, read.value);
  return problems.length > 0 ? { ok: false, problems: source.locate(problems) } : { ok: true, value: read.value as T };
}

/** Adds line and column to problems that a cross-check found in a definition's text. */
export function locateProblems(text: string, file: string, problems: readonly CrossCheckProblem[]): Problem[] {
  return new SourceText(text, file).locate(problems);
}

/** A workflow with the text that it was read from. */
export interface WorkflowSource {
  readonly file: string;
  readonly text: string;
  readonly workflow: Workflow;
}

/** What only several workflows together get wrong: that the end of each starts the next, all the way round. */
export function checkTogether(sources: readonly WorkflowSource[]): Problem[] {
  return findStartCycles(
    sources.map(({ workflow }) => workflow),
    problemsMax,
  ).flatMap((cycle) => tellCycle(cycle, sources));
}

/** How many names of a long cycle are told. */
const cycleShownMax = 10;

function tellCycle(cycle: readonly Started[], sources: readonly WorkflowSource[]): Problem[] {
  const shown = cycle.slice(0, cycleShownMax).flatMap(({ workflow, trigger }) => {
    const source = sources[workflow];
    if (source === undefined) return [];
    const path = ['triggers', trigger, 'workflow'];
    const [place] = locateProblems(source.text, source.file, [{ path, message: '', hint: '' }]);
    return place === undefined ? [] : [{ name: source.workflow.name, place }];
  });
  const [first] = shown;
  if (first === undefined) return [];
  const more = cycle.length > shown.length ? [`… (${cycle.length - shown.length} more)`] : [];
  const names = [...shown.map(({ name }) => name), ...more, first.name];
  const message = `these workflows start each other, without an end: ${names.join(' starts ')}`;
  const places = shown.map(({ place: { file, line, column } }) => `${file}:${line}:${column}`);
  return [{ ...first.place, message, hint: `take out one of these triggers: ${places.join(', ')}` }];
}

/** `file:line:column message` and the hint on a line of its own, as people and editors read it. */
export function formatProblem(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column} ${problem.message}\n    ${problem.hint}`;
}

/** What is wrong with a value that is sound: its kind, its shape, then what the shape can't tell. */
function judge(value: unknown): CrossCheckProblem[] {
  const kind = kindOf(value);
  const kinds = Object.keys(definitionSchemas);
  if (kind === undefined || !Object.hasOwn(definitionSchemas, kind)) {
    const written = kind === undefined ? 'has no kind' : `has the unknown kind "${kind.slice(0, 80)}"`;
    const nearest = kind === undefined ? '' : `; did you mean "${closest(kind.slice(0, 80), kinds)}"?`;
    const message = `the definition ${written}`;
    return [{ path: ['kind'], message, hint: `kind is one of ${kinds.join(', ')}${nearest}` }];
  }
  const shape =
    kind === 'Workflow'
      ? validateWorkflow(value, problemsMax)
      : validate(definitionSchemas[kind as DefinitionKind], value);
  return shape.length > 0 ? shape : findContradictions(value as Definition);
}

/** What a definition that fits its schema still gets wrong. */
function findContradictions(definition: Definition): CrossCheckProblem[] {
  switch (definition.kind) {
    case 'Workflow':
      return checkWorkflow(definition);
    case 'Pipeline':
      return checkPipeline(definition);
    case 'FeatureSet':
      return checkFeatureSet(definition);
    default:
      return [];
  }
}

function kindOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const kind = (value as Record<string, unknown>)['kind'];
  return typeof kind === 'string' ? kind : undefined;
}
