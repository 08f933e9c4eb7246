import type { Step, Workflow } from '@orrery/contracts/definitions/workflow';
import { OrreryError } from '@orrery/kit/errors';
import { resolve, type Scope } from './expressions.ts';
import type { StepBody } from './step-inputs.ts';

const keyLengthMax = 500;

/** Under which key each step with a limit counts in a run: ref -> key. Items get theirs when their map is laid out. */
export function limitKeysOf(workflow: Pick<Workflow, 'steps'>, scope: Omit<Scope, 'results'>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [number, step] of workflow.steps.entries()) {
    if (step.limit !== undefined) found[String(number)] = limitKeyOf(step, { ...scope, results: new Map() });
  }
  return found;
}

/** The key of one step or item; empty when it has no limit. Throws `EXPRESSION_UNRESOLVED`, and `LIMIT_KEY_WRONG` for what is no text. */
export function limitKeyOf(step: Pick<Step | StepBody, 'limit'>, scope: Scope): string {
  if (step.limit === undefined) return '';
  const value = resolve(step.limit.key, scope);
  const text = wordOf(value);
  if (text !== undefined && text.length <= keyLengthMax) return text;
  throw new OrreryError({
    code: 'LIMIT_KEY_WRONG',
    message: `limit.key is ${(value === undefined ? 'nothing' : JSON.stringify(value)).slice(0, 200)}`,
    hint: `it must be a text, number or boolean of 1 to ${keyLengthMax} characters`,
  });
}

/** A value of an expression that names something: text that is not empty, a number or a boolean. */
export function wordOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
