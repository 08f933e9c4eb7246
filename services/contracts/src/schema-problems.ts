import type { ErrorObject } from 'ajv/dist/2020.js';
import { closest } from 'fastest-levenshtein';

/** What is wrong at a path (keys and indexes) of a document, and what would be right. */
export interface PathProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string;
}

/** More problems of one document than this help nobody. */
export const problemsMax = 50;

const shownItemsMax = 20;
const shownCharactersMax = 100;

interface Branch {
  readonly properties?: Readonly<Record<string, { readonly const?: unknown }>>;
  readonly required?: readonly string[];
  readonly const?: unknown;
  readonly type?: string;
}

/** The value that a validator judged, and the path at which it stands in the document. */
interface Judged {
  readonly value: unknown;
  readonly at: readonly (string | number)[];
}

/**
 * Turns a validator's errors into what a person can act on: one problem a mistake, with the nearest valid word. `at` is where the
 * value that was judged stands in its document.
 */
export function describeErrors(
  errors: readonly ErrorObject[],
  value: unknown,
  at: readonly (string | number)[] = [],
): PathProblem[] {
  return chooseBranches(errors.filter((error) => error.keyword !== 'if')).map((found) =>
    'keyword' in found ? describeError(found, { value, at }) : locate(found, { value, at }),
  );
}

/** A problem of a union as a whole; its place is still a JSON pointer. */
interface UnionProblem {
  readonly pointer: string;
  readonly key?: string;
  readonly message: (where: string) => string;
  readonly hint: string;
}

/**
 * A value that fits no branch of a union fails in every branch. Only the branch that was meant is worth telling: the one whose
 * discriminating word the value carries, else the one that it shares most keys with.
 */
function chooseBranches(errors: readonly ErrorObject[]): (ErrorObject | UnionProblem)[] {
  const unions = errors.filter((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf');
  const outermost = unions.find((union) => !unions.some((other) => other !== union && isInside(union, other)));
  if (outermost === undefined) return [...errors];
  const inside = errors.filter((error) => isInside(error, outermost));
  const outside = errors.filter((error) => error !== outermost && !inside.includes(error));
  return [...chooseBranch(outermost, inside), ...chooseBranches(outside)];
}

function isInside(error: ErrorObject, union: ErrorObject): boolean {
  const sameValue =
    error.instancePath === union.instancePath || error.instancePath.startsWith(`${union.instancePath}/`);
  return sameValue && error.schemaPath.startsWith(`${union.schemaPath}/`);
}

function chooseBranch(union: ErrorObject, inside: readonly ErrorObject[]): (ErrorObject | UnionProblem)[] {
  const branches = union.schema as readonly Branch[];
  const problem = isRecord(union.data) ? wrongWord(union, branches, union.data) : wrongScalar(union, branches);
  if (problem !== undefined) return [problem];
  const ranked = branches
    .map((branch, index) => {
      const failures = inside.filter((error) => error.schemaPath.startsWith(`${union.schemaPath}/${index}/`));
      return { failures, affinity: affinityOf(branch, union.data) };
    })
    .sort((left, right) => right.affinity - left.affinity || left.failures.length - right.failures.length);
  return chooseBranches(ranked[0]?.failures ?? [union]);
}

/** Objects whose branches differ by a word under one key (`uses: http | process`): the word is missing or unknown. */
function wrongWord(
  union: ErrorObject,
  branches: readonly Branch[],
  data: Record<string, unknown>,
): UnionProblem | undefined {
  const key = discriminatorOf(branches);
  if (key === undefined) return noWay(union, branches, data);
  const words = branches.map((branch) => String(branch.properties?.[key]?.const));
  const given = data[key];
  if (given === undefined) {
    const hint = `add "${key}", one of ${words.join(', ')}`;
    return { pointer: union.instancePath, message: (where) => `${where} lacks "${key}"`, hint };
  }
  if (typeof given === 'string' && words.includes(given)) return undefined;
  const message = (where: string) => `${where}.${key} is ${show(given)}`;
  return { pointer: union.instancePath, key, message, hint: allowed(given, words) };
}

/** Objects whose branches differ by a key that each must have (`cron | event | webhook`), where the value has none of them. */
function noWay(
  union: ErrorObject,
  branches: readonly Branch[],
  data: Record<string, unknown>,
): UnionProblem | undefined {
  const ways = branches.map((branch) =>
    branch.required?.find((key) => branches.every((other) => other === branch || !(key in (other.properties ?? {})))),
  );
  const words = ways.filter((way) => way !== undefined);
  if (words.length < branches.length || words.some((word) => word in data)) return undefined;
  const known = new Set(branches.flatMap((branch) => Object.keys(branch.properties ?? {})));
  const unknown = Object.keys(data).find((key) => !known.has(key));
  if (unknown === undefined) {
    const hint = `add one of ${words.join(', ')}`;
    return { pointer: union.instancePath, message: (where) => `${where} says none of ${words.join(', ')}`, hint };
  }
  const message = (where: string) => `unknown key "${cut(unknown)}" in ${where}`;
  return { pointer: union.instancePath, key: unknown, message, hint: allowed(unknown, words) };
}

function discriminatorOf(branches: readonly Branch[]): string | undefined {
  const keys = Object.keys(branches[0]?.properties ?? {});
  return keys.find((key) => branches.every((branch) => branch.properties?.[key]?.const !== undefined));
}

/** Unions of words, or of plain types, where the value is no object. */
function wrongScalar(union: ErrorObject, branches: readonly Branch[]): UnionProblem | undefined {
  const shown = show(union.data);
  const message = (where: string) => `${where} is ${shown}`;
  if (branches.every((branch) => branch.const !== undefined)) {
    const words = branches.map((branch) => String(branch.const));
    return { pointer: union.instancePath, message, hint: allowed(union.data, words) };
  }
  const types = branches.flatMap((branch) => branch.type ?? []);
  if (types.length < branches.length || types.includes('array')) return undefined;
  return { pointer: union.instancePath, message, hint: `allowed: ${[...new Set(types)].join(', ')}` };
}

/** How many keys of the value the branch knows, a matching word counting more than any number of them. */
function affinityOf(branch: Branch, data: unknown): number {
  if (!isRecord(data)) return 0;
  return Object.entries(data).reduce((sum, [key, value]) => {
    const field = branch.properties?.[key];
    if (field === undefined) return sum;
    return sum + (field.const !== undefined && field.const === value ? 1000 : 1);
  }, 0);
}

function locate(problem: UnionProblem, { value, at }: Judged): PathProblem {
  const path = [...at, ...pointerParts(problem.pointer, value)];
  const message = problem.message(nameOf(path));
  return { path: problem.key === undefined ? path : [...path, problem.key], message, hint: problem.hint };
}

function describeError(error: ErrorObject, { value, at }: Judged): PathProblem {
  const path = [...at, ...pointerParts(error.instancePath, value)];
  const where = nameOf(path);
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'additionalProperties' || error.keyword === 'unevaluatedProperties') {
    const unknown = String(params['additionalProperty'] ?? params['unevaluatedProperty']);
    const known = Object.keys((error.parentSchema?.['properties'] as object | undefined) ?? {});
    const nearest = known.length > 0 ? `did you mean "${closest(cut(unknown), known)}"? ` : '';
    const message = `unknown key "${cut(unknown)}" in ${where}`;
    return { path: [...path, unknown], message, hint: `${nearest}known keys: ${known.join(', ')}` };
  }
  if (error.keyword === 'required') {
    const missing = String(params['missingProperty']);
    return { path, message: `${where} lacks "${missing}"`, hint: `add the key "${missing}"` };
  }
  const shown = show(error.data);
  if (error.keyword === 'enum' || error.keyword === 'const') {
    const values = (params['allowedValues'] as unknown[] | undefined) ?? [params['allowedValue']];
    return { path, message: `${where} is ${shown}`, hint: allowed(error.data, values.map(String)) };
  }
  const meaning: unknown = error.parentSchema?.['description'];
  const hint = typeof meaning === 'string' ? meaning : `change the value of ${where}`;
  if (error.keyword === 'not') return { path, message: `${where} can't stand here`, hint };
  return { path, message: `${where} is ${shown}: it ${error.message ?? 'is not valid'}`, hint };
}

function allowed(given: unknown, words: readonly string[]): string {
  const nearest = typeof given === 'string' ? `did you mean "${closest(cut(given), [...words])}"? ` : '';
  return `${nearest}allowed: ${words.join(', ')}`;
}

/** A value as it is told: whole when it is small, else what it is. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value));
  if (Array.isArray(value) && value.length > shownItemsMax) return `a list of ${value.length} items`;
  if (isRecord(value) && Object.keys(value).length > shownItemsMax)
    return `${Object.keys(value).length} keys with values`;
  const isHolder = Array.isArray(value) || isRecord(value);
  const large = isHolder && Object.values(value).some((item) => typeof item === 'object' && item !== null);
  if (large) return Array.isArray(value) ? 'a list' : `an object with ${cut(Object.keys(value).join(', '))}`;
  return cut(JSON.stringify(value, (_key, item: unknown) => (typeof item === 'string' ? cut(item) : item)));
}

function cut(text: string): string {
  return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax)}…`;
}

function nameOf(path: readonly (string | number)[]): string {
  return path.length === 0 ? 'the definition' : path.join('.');
}

function pointerParts(pointer: string, value: unknown): (string | number)[] {
  let node = value;
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => {
      const key = Array.isArray(node) ? Number(part) : part;
      node = (node as Record<string | number, unknown> | undefined)?.[key];
      return key;
    });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
