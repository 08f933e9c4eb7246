import { isDeepStrictEqual } from 'node:util';
import { hideSecret, isSecret } from './references.ts';

/** One place where two documents say different things. A key that is missing is absent; a secret shows its references only. */
export interface ValueChange {
  /** For people: `spec.template.spec.containers[scoring].image`; items of a list stand under their name where they have one. */
  readonly path: string;
  /**
   * For programs: a JSON pointer into the later document, into the earlier one for what was removed. What follows a `#` points into
   * the JSON that the text at that place holds.
   */
  readonly pointer: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface Place {
  readonly path: string;
  readonly pointer: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** By one of these a list's items are told apart, so that one that is inserted does not change all that follow. */
const namingKeys = ['name', 'key', 'id', 'deviceName'] as const;
const simpleKey = /^[A-Za-z_$][\w$-]*$/;

/** Every difference between two JSON values, in the order of the keys. Empty when they are equal. */
export function diffValues(before: unknown, after: unknown, at: Place = { path: '', pointer: '' }): ValueChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (isSecret(before) || isSecret(after)) return [changeOf(at, shown(before), shown(after))];
  if (isFields(before) && isFields(after)) return diffFields(before, after, at);
  if (Array.isArray(before) && Array.isArray(after)) return diffLists(before, after, at);
  if (typeof before === 'string' && typeof after === 'string') {
    const [inner, later] = [parseContainer(before), parseContainer(after)];
    if (inner !== undefined && later !== undefined) {
      const found = diffValues(inner, later, { path: at.path, pointer: `${at.pointer}#` });
      // The same JSON in other letters is still another text.
      if (found.length > 0) return found;
    }
  }
  return [changeOf(at, shown(before), shown(after))];
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function diffFields(before: Fields, after: Fields, at: Place): ValueChange[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => diffValues(before[key], after[key], below(at, key)));
}

function diffLists(before: readonly unknown[], after: readonly unknown[], at: Place): ValueChange[] {
  if ([...before, ...after].every((item) => !isContainer(item))) return [changeOf(at, before, after)];
  const key = namingKeys.find((one) => areNamed(before, one) && areNamed(after, one));
  if (key !== undefined) return diffNamed(before as Fields[], after as Fields[], { at, key });
  return Array.from({ length: Math.max(before.length, after.length) }).flatMap((_, index) =>
    diffValues(before[index], after[index], item(at, String(index), index)),
  );
}

function diffNamed(
  before: readonly Fields[],
  after: readonly Fields[],
  { at, key }: { at: Place; key: string },
): ValueChange[] {
  const nameOf = (one: Fields) => String(one[key]);
  const names = [...new Set([...before, ...after].map(nameOf))];
  const found = names.flatMap((name) => {
    const [from, to] = [before, after].map((list) => list.findIndex((one) => nameOf(one) === name));
    const index = to !== undefined && to >= 0 ? to : (from ?? 0);
    return diffValues(before[from ?? -1], after[to ?? -1], item(at, name, index));
  });
  return found.length > 0 ? found : [changeOf(at, before.map(nameOf), after.map(nameOf))];
}

function areNamed(list: readonly unknown[], key: string): boolean {
  const names = list.map((one) => (isFields(one) ? one[key] : undefined));
  return names.every((name) => typeof name === 'string') && new Set(names).size === names.length;
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function parseContainer(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The place of a key of what stands at a place. */
export function below({ path, pointer }: Place, key: string): Place {
  const step = simpleKey.test(key) ? `${path === '' ? '' : '.'}${key}` : `[${JSON.stringify(key)}]`;
  return { path: `${path}${step}`, pointer: `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}` };
}

/** The place of an item of a list, under the name by which people know it. */
export function item({ path, pointer }: Place, name: string, index: number): Place {
  return { path: `${path}[${name}]`, pointer: `${pointer}/${index}` };
}

function changeOf(at: Place, before: unknown, after: unknown): ValueChange {
  return { ...at, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

/** A value as it may be shown: secrets anywhere in it by reference only. */
function shown(value: unknown): unknown {
  if (isSecret(value)) return hideSecret(value);
  if (Array.isArray(value)) return value.map(shown);
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]));
}
