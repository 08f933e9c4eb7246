import { isDeepStrictEqual } from 'node:util';
import type { GraphResource } from '../render/graph.ts';
import type { PropertyChange } from './change.ts';
import { replacementTable, type Replacements } from './replacement-table.ts';
import { awsReplacements } from './replacements-aws.ts';
import { isCustomResource, kubernetesReplacements } from './replacements-kubernetes.ts';
import { isFields, type ValueChange } from './values.ts';

export type Effect = NonNullable<PropertyChange['effect']>;

/** False for a type of which the table says nothing: then an update may be a replacement. */
export function isKnownType(type: string): boolean {
  return type in replacementTable || isCustomResource(type);
}

/** What a change of a property does to the resource; undefined for an update in place, as far as the table knows. */
export function effectOf(resource: GraphResource, change: ValueChange): Effect | undefined {
  const { options, type } = resource;
  const touches = (paths: readonly string[]) => paths.some((path) => isTouched(change, tokensOf(path)));
  if (touches(textsOf(options['ignoreChanges']))) return 'ignore';
  if (touches(textsOf(options['replaceOnChanges']))) return 'replace';
  const { replace = [], may = [], refuse = [], replaceLowered = [], refuseLowered = [] } = rulesOf(type);
  const lowered = isLowered(change);
  if (touches(replace) || (lowered && touches(replaceLowered))) return 'replace';
  if (touches(refuse) || (lowered && touches(refuseLowered))) return 'refuse';
  return touches(may) ? 'may replace' : undefined;
}

/** What another value at a place does, where nothing but the place is known. */
export function effectAt(resource: GraphResource, pointer: string): 'update' | 'may replace' | 'replace' {
  const effect = effectOf(resource, { path: '', pointer, before: 'before', after: 'after' });
  if (effect === 'replace' || effect === 'may replace') return effect;
  return isKnownType(resource.type) ? 'update' : 'may replace';
}

function rulesOf(type: string): Replacements {
  const rules = replacementTable[type] ?? {};
  const always = type.startsWith('kubernetes:')
    ? kubernetesReplacements
    : type.startsWith('aws:')
      ? awsReplacements
      : [];
  return { ...rules, replace: [...always, ...(rules.replace ?? [])] };
}

/** A pattern is touched by a change at it or below it, and by one above it that changes what stands there. */
function isTouched({ pointer, before, after }: ValueChange, pattern: readonly string[]): boolean {
  const tokens = tokensOfPointer(pointer);
  const shared = Math.min(tokens.length, pattern.length);
  const agrees = pattern.slice(0, shared).every((token, index) => token === '*' || token === tokens[index]);
  if (!agrees) return false;
  if (tokens.length >= pattern.length) return true;
  const rest = pattern.slice(shared);
  return !isDeepStrictEqual(valueBelow(before, rest), valueBelow(after, rest));
}

function valueBelow(value: unknown, [token, ...rest]: readonly string[]): unknown {
  if (token === undefined || token === '*') return value;
  if (Array.isArray(value)) return value.map((one: unknown) => valueBelow(one, [token, ...rest]));
  return isFields(value) ? valueBelow(value[token], rest) : undefined;
}

/** `spec.containers[*].image` and `spec["containers"][0].image` are the same place: indices say nothing here. */
function tokensOf(path: string): string[] {
  return [...path.matchAll(/\["(?<quoted>[^"]*)"\]|\[[^\]]*\]|(?<plain>[^.[\]]+)/g)].flatMap(({ groups = {} }) => {
    const token = groups['quoted'] ?? groups['plain'];
    return token === undefined ? [] : [token];
  });
}

function tokensOfPointer(pointer: string): string[] {
  const [outer = ''] = pointer.split('#');
  return outer
    .split('/')
    .slice(1)
    .filter((token) => !/^\d+$/.test(token))
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function isLowered({ before, after }: ValueChange): boolean {
  if (typeof before === 'number' && typeof after === 'number') return after < before;
  if (typeof before !== 'string' || typeof after !== 'string') return false;
  const [larger, smaller] = [before, after].map(bytesOf);
  if (larger !== undefined && smaller !== undefined) return smaller < larger;
  const [from, to] = [before, after].map((text) => text.split('.').map(Number));
  if (from === undefined || to === undefined || [...from, ...to].some((part) => !Number.isInteger(part))) return false;
  const index = from.findIndex((part, at) => part !== (to[at] ?? 0));
  return index >= 0 && (to[index] ?? 0) < (from[index] ?? 0);
}

const units = ['', 'K', 'M', 'G', 'T', 'P'];

/** A quantity of Kubernetes with a unit, for example `100Gi`; undefined for anything else, a version among it. */
function bytesOf(text: string): number | undefined {
  const { amount, unit = '', binary } = /^(?<amount>[\d.]+)(?<unit>[KkMGTP])(?<binary>i)?$/.exec(text)?.groups ?? {};
  const bytes = Number(amount) * (binary === undefined ? 1000 : 1024) ** units.indexOf(unit.toUpperCase());
  return Number.isFinite(bytes) ? bytes : undefined;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
