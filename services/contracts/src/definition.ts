import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { closest } from 'fastest-levenshtein';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { checkFeatureSet } from './definitions/feature-set-checks.ts';
import { FeatureSet } from './definitions/feature-set.ts';
import { Model } from './definitions/model.ts';
import { checkPipeline } from './definitions/pipeline-checks.ts';
import { Pipeline } from './definitions/pipeline.ts';
import { checkWorkflow } from './definitions/workflow-checks.ts';
import { Workflow } from './definitions/workflow.ts';
import { describeErrors, type PathProblem } from './schema-problems.ts';

/** One thing wrong in a definition: where it stands, what is wrong, and the nearest thing that would be right. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint: string;
}

export type Definition = Workflow | Pipeline | FeatureSet | Model;
export type DefinitionKind = Definition['kind'];

/** Every kind of definition with its JSON Schema; `services/contracts/schema/` holds the published copies. */
export const definitionSchemas = { Workflow, Pipeline, FeatureSet, Model } as const;

export type ReadResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: Problem[] };

/** A rule that one field alone can't tell: the path (keys and indexes) with what is wrong there. */
export type CrossCheckProblem = PathProblem;

const problemsMax = 50;
const validators = new Map<object, ValidateFunction>();

/**
 * Reads one YAML definition of the given kind, or of the kind that it names. Never throws for what a person wrote: all problems
 * come back at once, each with line and column (from 1).
 */
export function readDefinition(text: string, file: string): ReadResult<Definition> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' });
  const at = locator(file, lines, document);
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.slice(0, problemsMax).map((error) => yamlProblem(file, lines, error)),
    };
  }
  const value: unknown = document.toJS();
  const kind = kindOf(value);
  const kinds = Object.keys(definitionSchemas);
  if (kind === undefined || !(kind in definitionSchemas)) {
    const written = kind === undefined ? 'has no kind' : `has the unknown kind "${kind}"`;
    const nearest = kind === undefined ? '' : `; did you mean "${closest(kind, kinds)}"?`;
    const message = `the definition ${written}`;
    return { ok: false, problems: [at(['kind'], message, `kind is one of ${kinds.join(', ')}${nearest}`)] };
  }
  const problems = validate(definitionSchemas[kind as DefinitionKind], value, at);
  if (problems.length > 0) return { ok: false, problems };
  const definition = value as Definition;
  const contradictions = findContradictions(definition);
  if (contradictions.length === 0) return { ok: true, value: definition };
  const located = contradictions.slice(0, problemsMax).map(({ path, message, hint }) => at(path, message, hint));
  return { ok: false, problems: located };
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

/** The same for a document that is no definition (a service's manifest, an environment's settings). */
export function readDocument<T>(text: string, file: string, schema: object): ReadResult<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' });
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.slice(0, problemsMax).map((error) => yamlProblem(file, lines, error)),
    };
  }
  const value: unknown = document.toJS();
  const problems = validate(schema, value, locator(file, lines, document));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: value as T };
}

/** Adds line and column to problems that a cross-check found in a definition's text. */
export function locateProblems(text: string, file: string, problems: readonly CrossCheckProblem[]): Problem[] {
  const lines = new LineCounter();
  const at = locator(file, lines, parseDocument(text, { lineCounter: lines }));
  return problems.map((problem) => at(problem.path, problem.message, problem.hint));
}

/** `file:line:column message` and the hint on a line of its own, as people and editors read it. */
export function formatProblem(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column} ${problem.message}\n    ${problem.hint}`;
}

type Locate = (path: readonly (string | number)[], message: string, hint: string) => Problem;

function locator(file: string, lines: LineCounter, document: Document): Locate {
  return (path, message, hint) => {
    const offset = offsetOf(document, path);
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message, hint };
  };
}

/** The offset of the key that a path ends in, or of the nearest parent that exists. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = rangeOf(node);
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === part);
      if (pair === undefined) return offset;
      offset = rangeOf(pair.key) || offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part];
      offset = rangeOf(node) || offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function rangeOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}

function kindOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const kind = (value as Record<string, unknown>)['kind'];
  return typeof kind === 'string' ? kind : undefined;
}

function yamlProblem(file: string, lines: LineCounter, error: { message: string; pos: [number, number] }): Problem {
  const { line, col } = lines.linePos(error.pos[0]);
  const message = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'the YAML is broken';
  return { file, line, column: col, message, hint: 'mend the YAML here: indentation, quotes or a doubled key' };
}

function validate(schema: object, value: unknown, at: Locate): Problem[] {
  let check = validators.get(schema);
  if (check === undefined) {
    check = new Ajv2020({ allErrors: true, strict: false, verbose: true }).compile(schema);
    validators.set(schema, check);
  }
  if (check(value)) return [];
  return describeErrors(check.errors ?? [], value)
    .slice(0, problemsMax)
    .map(({ path, message, hint }) => at(path, message, hint));
}
