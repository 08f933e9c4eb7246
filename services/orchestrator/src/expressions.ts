import { parseTemplate, referencesIn, type Reference, type TemplatePart } from '@orrery/contracts/expression';
import { unresolved } from './errors.ts';

/** What the expressions of a step may name. */
export interface Scope {
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Step -> its result, of those that the step names. */
  readonly results: ReadonlyMap<string, unknown>;
  readonly run: { readonly id: string; readonly tenant: string; readonly logicalMs: number };
}

/** The steps whose results a value asks for. */
export function stepsNamedIn(value: unknown): string[] {
  const found = [...referencesIn(value)].map((reference) => reference.found);
  const named = found.filter((reference) => typeof reference !== 'string').filter(({ root }) => root === 'steps');
  return [...new Set(named.map(({ path }) => String(path[0])))];
}

/**
 * The value with every expression replaced. A string that is one expression becomes the value itself, of whatever type; within
 * other text the value must be a string, number or boolean. Throws the terminal `EXPRESSION_UNRESOLVED`.
 */
export function resolve(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') return resolveText(value, scope, (text) => text);
  if (Array.isArray(value)) return value.map((item) => resolve(item, scope));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, scope)]));
}

/** A path of a URL: what the expressions put in can't add a segment or a query. */
export function resolvePath(path: string, scope: Scope): string {
  const { parts } = readTemplate(path);
  return parts.map((part) => (typeof part === 'string' ? part : encodeURIComponent(asText(part, scope)))).join('');
}

function resolveText(text: string, scope: Scope, encode: (text: string) => string): unknown {
  const { parts } = readTemplate(text);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && typeof only !== 'string') return lookUp(only, scope);
  return parts.map((part) => (typeof part === 'string' ? part : encode(asText(part, scope)))).join('');
}

function readTemplate(text: string): { readonly parts: readonly TemplatePart[] } {
  const template = parseTemplate(text);
  if (!template.ok) throw unresolved(text, template.message);
  return template;
}

function asText(reference: Reference, scope: Scope): string {
  const value = lookUp(reference, scope);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw unresolved(reference.text, 'it is no text, number or boolean, so it must stand alone');
}

function lookUp(reference: Reference, scope: Scope): unknown {
  const [first, second, ...rest] = reference.path;
  if (reference.root === 'parameters') return walk(scope.parameters, reference.path, reference);
  if (reference.root === 'run') return walk(runValues(scope.run), reference.path, reference);
  if (second !== 'result' || !scope.results.has(String(first))) {
    throw unresolved(reference.text, `the step "${String(first)}" has left no result`);
  }
  return walk(scope.results.get(String(first)), rest, reference);
}

function runValues(run: Scope['run']): Record<string, string> {
  const time = new Date(run.logicalMs).toISOString();
  return { id: run.id, tenant: run.tenant, time, day: time.slice(0, 10) };
}

function walk(root: unknown, path: readonly (string | number)[], reference: Reference): unknown {
  let node = root;
  for (const key of path) {
    const holds = typeof node === 'object' && node !== null && Object.hasOwn(node, key);
    if (!holds) throw unresolved(reference.text, `there is no "${key}"${within(node)}`);
    node = (node as Record<string | number, unknown>)[key];
  }
  return node;
}

function within(node: unknown): string {
  if (typeof node !== 'object' || node === null) return ` in ${JSON.stringify(node)}`;
  const names = Object.keys(node);
  return names.length === 0 ? ' in an empty value' : `; there is ${names.slice(0, 20).join(', ')}`;
}
