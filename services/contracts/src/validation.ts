import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { Step, stepSchemas } from './definitions/workflow-steps.ts';
import { WorkflowHead } from './definitions/workflow.ts';
import { describeErrors, type PathProblem } from './schema-problems.ts';

/** More errors than this are not sorted into branches and words: the first mistake alone is told. */
const errorsMax = 1000;

type Path = readonly (string | number)[];

const thorough = new Map<object, ValidateFunction>();
const brief = new Map<object, ValidateFunction>();

/** How a value differs from its schema; empty when it fits. `at` is where the value stands in its document. */
export function validate(schema: object, value: unknown, at: Path = []): PathProblem[] {
  if (compiled(brief, schema, false)(value)) return [];
  const first = compiled(brief, schema, false).errors ?? [];
  return describeErrors(moreErrors(schema, value) ?? first, value, at);
}

/**
 * The same for a workflow: its head, then each step by the schema of what it uses. Against the schema of the whole, every kind of
 * step would be tried on every one of many steps, and all would be told at once. Stops after `problemsMax`.
 */
export function validateWorkflow(value: unknown, problemsMax: number): PathProblem[] {
  const problems = validate(WorkflowHead, value);
  const steps = (value as { readonly steps?: unknown } | null)?.steps;
  if (!Array.isArray(steps)) return problems;
  for (const [index, step] of steps.entries()) {
    if (problems.length >= problemsMax) break;
    problems.push(...validate(schemaOf(step), step, ['steps', index]));
  }
  return problems;
}

function schemaOf(step: unknown): object {
  const uses = (step as { readonly uses?: unknown } | null)?.uses;
  const known = typeof uses === 'string' && Object.hasOwn(stepSchemas, uses);
  return known ? stepSchemas[uses as keyof typeof stepSchemas] : Step;
}

/** All errors rather than the first; undefined when they are too many to be of use. */
function moreErrors(schema: object, value: unknown): ErrorObject[] | undefined {
  const check = compiled(thorough, schema, true);
  check(value);
  const errors = check.errors ?? [];
  return errors.length === 0 || errors.length > errorsMax ? undefined : errors;
}

function compiled(known: Map<object, ValidateFunction>, schema: object, allErrors: boolean): ValidateFunction {
  const found = known.get(schema);
  if (found !== undefined) return found;
  const check = new Ajv2020({ allErrors, strict: false, verbose: true }).compile(schema);
  known.set(schema, check);
  return check;
}
