import { hasExpression } from '@orrery/contracts/expression';
import { resolve, resolvePath, type Scope } from './expressions.ts';

/** A value whose expressions have been found once, for all the runs that resolve it. */
export type Template = (scope: Scope) => unknown;

/** Undefined when there is no expression in the value: it is then used as it stands. */
export function templateOf(value: unknown): Template | undefined {
  if (typeof value === 'string') return hasExpression(value) ? (scope) => resolve(value, scope) : undefined;
  if (Array.isArray(value)) {
    const parts = value.map(templateOf);
    if (parts.every((part) => part === undefined)) return undefined;
    return (scope) => value.map((item: unknown, index) => resolved(parts[index], item, scope));
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const parts = Object.entries(value).map(([key, item]) => [key, item as unknown, templateOf(item)] as const);
  if (parts.every(([, , part]) => part === undefined)) return undefined;
  return (scope) => Object.fromEntries(parts.map(([key, item, part]) => [key, resolved(part, item, scope)]));
}

/** Of a path of a URL: what the expressions put in can't add a segment or a query. */
export function pathTemplateOf(path: string): Template | undefined {
  return hasExpression(path) ? (scope) => resolvePath(path, scope) : undefined;
}

/** The value with its expressions replaced, or itself. */
export function resolved(template: Template | undefined, value: unknown, scope: Scope): unknown {
  return template === undefined ? value : template(scope);
}
