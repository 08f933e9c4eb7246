import type { Workflow } from '@orrery/contracts/definitions/workflow';
import { closest } from 'fastest-levenshtein';
import { parametersInvalid } from '../errors.ts';

export type ParameterValue = string | number | boolean;

/** The values of a run's parameters: what was given, then the defaults. Throws `PARAMETERS_INVALID` with every problem. */
export function bindParameters(
  workflow: Workflow,
  given: Readonly<Record<string, unknown>>,
): Record<string, ParameterValue> {
  const declared = workflow.parameters ?? {};
  const names = Object.keys(declared);
  const problems = Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => `unknown parameter "${name}"${names.length > 0 ? `, did you mean "${closest(name, names)}"?` : ''}`);
  const bound: Record<string, ParameterValue> = {};
  for (const [name, parameter] of Object.entries(declared)) {
    // Only what was given: every object has a value for names such as constructor.
    const value = (Object.hasOwn(given, name) ? given[name] : undefined) ?? parameter.default;
    if (value === undefined) problems.push(`the parameter "${name}" (${parameter.type}) is missing`);
    else if (isOfType(value, parameter.type)) bound[name] = value;
    else problems.push(`the parameter "${name}" is ${JSON.stringify(value)}: it must be a ${parameter.type}`);
  }
  if (problems.length > 0) throw parametersInvalid(problems);
  return bound;
}

function isOfType(value: unknown, type: 'string' | 'number' | 'boolean'): value is ParameterValue {
  return typeof value === type && (type !== 'number' || Number.isFinite(value));
}
