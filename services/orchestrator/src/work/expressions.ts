import { parseTemplate, referencesIn, type Reference, type TemplatePart } from '@orrery/contracts/expression';
import { unresolved } from '../errors.ts';

/** What the expressions of a step may name. */
export interface Scope {
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Step -> its result, of those that the step names. */
  readonly results: ReadonlyMap<string, unknown>;
  readonly run: { readonly id: string; readonly tenant: string; readonly logicalMs: number };
  /** Map -> the results of its items in order, null where one failed; of those that the step names. */
  readonly lists?: ReadonlyMap<string, readonly unknown[]>;
  /** The item that the step of a map works on, and its place in the list from 0. Both are there or neither. */
  readonly item?: unknown;
  readonly index?: number;
  /** What a trigger came with. */
  readonly event?: unknown;
  /** The steps that the step needs: what `needs` holds, out of `results`. */
  readonly needs?: readonly string[];
}

/** What a value asks of the steps before it. */
export interface NamedSteps {
  /** The steps whose results it names, once each. */
  readonly results: readonly string[];
  /** The maps whose items' results it names, once each. */
  readonly lists: readonly string[];
}

/** The steps that a value names; `needs` are those of its step, all of which `${{ needs }}` names. */
export function namedIn(value: unknown, needs: readonly string[] = []): NamedSteps {
  const results = new Set<string>();
  const lists = new Set<string>();
  for (const { found } of referencesIn(value)) {
    if (typeof found === 'string') continue;
    const [first, second] = found.path;
    if (found.root === 'steps') (second === 'results' ? lists : results).add(String(first));
    if (found.root !== 'needs') continue;
    for (const name of first === undefined ? needs : [String(first)]) results.add(name);
  }
  return { results: [...results], lists: [...lists] };
}

/** The steps whose results a value asks for. */
export function stepsNamedIn(value: unknown, needs: readonly string[] = []): readonly string[] {
  return namedIn(value, needs).results;
}

/** A list or an object whose items are still to be resolved into `into`. */
interface Open {
  readonly from: object;
  readonly into: Record<string | number, unknown>;
}

/**
 * The value with every expression replaced. A string that is one expression becomes the value itself, of whatever type; within
 * other text the value must be a string, number or boolean. What an expression brings is not read again: a result can't smuggle
 * one in. Goes down with a stack of its own, however deep the value is. Throws the terminal `EXPRESSION_UNRESOLVED`.
 */
export function resolve(value: unknown, scope: Scope): unknown {
  const root: Record<string, unknown> = {};
  const open: Open[] = [{ from: { value }, into: root }];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const [key, item] of Object.entries(at.from) as [string, unknown][]) {
      const resolved = typeof item === 'string' ? resolveText(item, scope) : openHolder(item, open);
      // An assignment to __proto__ would change the object instead of filling it.
      Object.defineProperty(at.into, key, { value: resolved, enumerable: true, writable: true, configurable: true });
    }
  }
  return root['value'];
}

/** The copy of a list or object, to be filled later; any other value as it is. */
function openHolder(item: unknown, open: Open[]): unknown {
  if (typeof item !== 'object' || item === null) return item;
  const into: unknown = Array.isArray(item) ? [] : {};
  open.push({ from: item, into: into as Record<string | number, unknown> });
  return into;
}

/** A path of a URL: what the expressions put in can't add a segment or a query. */
export function resolvePath(path: string, scope: Scope): string {
  const { parts } = readTemplate(path);
  return parts.map((part) => (typeof part === 'string' ? part : encodeURIComponent(asText(part, scope)))).join('');
}

function resolveText(text: string, scope: Scope): unknown {
  const { parts } = readTemplate(text);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && typeof only !== 'string') return lookUp(only, scope);
  return parts.map((part) => (typeof part === 'string' ? part : asText(part, scope))).join('');
}

function readTemplate(text: string): { readonly parts: readonly TemplatePart[] } {
  const template = parseTemplate(text);
  if (!template.ok) throw unresolved(text.slice(0, 200), template.message);
  return template;
}

function asText(reference: Reference, scope: Scope): string {
  const value = lookUp(reference, scope);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw unresolved(reference.text, 'it is no text, number or boolean, so it must stand alone');
}

function lookUp(reference: Reference, scope: Scope): unknown {
  const { root, path } = reference;
  switch (root) {
    case 'parameters':
      return walk(scope.parameters, path, reference);
    case 'run':
      return walk(runValues(scope.run), path, reference);
    case 'steps':
      return lookUpStep(reference, scope);
    case 'needs':
      return lookUpNeeds(reference, scope);
    case 'item':
    case 'index':
      if (scope.index === undefined) throw unresolved(reference.text, 'only the step of a map has an item');
      return walk(root === 'item' ? scope.item : scope.index, path, reference);
    case 'event':
      if (scope.event === undefined) throw unresolved(reference.text, 'no event has started this');
      return walk(scope.event, path, reference);
  }
}

function lookUpStep(reference: Reference, scope: Scope): unknown {
  const [first, second, ...rest] = reference.path;
  const name = String(first);
  if (second === 'results') {
    const list = scope.lists?.get(name);
    if (list === undefined) throw unresolved(reference.text, `the map "${name}" has left no results`);
    return walk(list, rest, reference);
  }
  if (second !== 'result') throw unresolved(reference.text, 'a step offers its result');
  return walk(resultOf(name, reference, scope), rest, reference);
}

function lookUpNeeds(reference: Reference, scope: Scope): unknown {
  const { needs = [] } = scope;
  const [first, ...rest] = reference.path;
  if (first === undefined) return Object.fromEntries(needs.map((name) => [name, resultOf(name, reference, scope)]));
  const name = String(first);
  if (!needs.includes(name)) throw unresolved(reference.text, `the step does not need "${name}"`);
  return walk(resultOf(name, reference, scope), rest, reference);
}

function resultOf(name: string, reference: Reference, scope: Scope): unknown {
  if (!scope.results.has(name)) throw unresolved(reference.text, `the step "${name}" has left no result`);
  return scope.results.get(name);
}

function runValues(run: Scope['run']): Record<string, string> {
  const time = new Date(run.logicalMs).toISOString();
  return { id: run.id, tenant: run.tenant, time, day: time.slice(0, 10) };
}

/** Follows own keys alone: what every object inherits is no value of anyone. */
function walk(root: unknown, path: readonly (string | number)[], reference: Reference): unknown {
  let node = root;
  for (const key of path) {
    const holds = typeof node === 'object' && node !== null && Object.hasOwn(node, key) && !isLength(node, key);
    if (!holds) throw unresolved(reference.text, `there is no "${key}"${within(node)}`);
    node = (node as Record<string | number, unknown>)[key];
  }
  return node;
}

/** The one property that a list has of its own beside its items. */
function isLength(node: object, key: string | number): boolean {
  return Array.isArray(node) && key === 'length';
}

const namesShownMax = 20;

function within(node: unknown): string {
  if (Array.isArray(node)) return `; it is a list of ${node.length} items`;
  if (typeof node !== 'object' || node === null)
    return node === undefined ? ' in nothing' : ` in ${JSON.stringify(node).slice(0, 100)}`;
  const names = Object.keys(node);
  const shown = names.slice(0, namesShownMax).map((name) => name.slice(0, 100));
  return names.length === 0 ? ' in an empty value' : `; there is ${shown.join(', ')}`;
}
