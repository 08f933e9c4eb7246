import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

/** Documents are a few levels deep; more is a mistake, and would end in an overflow without a path. */
const depthMax = 100;

export const digestPattern = '^sha256:[0-9a-f]{64}$';

/** The kinds of document that have a digest; the kind is part of what is hashed, so two kinds never share one. */
export type DigestKind =
  | 'binding'
  | 'bundle'
  | 'closure'
  | 'config'
  | 'contract'
  | 'data'
  | 'definition'
  | 'feature-set'
  | 'ledger-entry'
  | 'lineage'
  | 'model'
  | 'own'
  | 'pair'
  | 'pin'
  | 'release'
  | 'render'
  | 'schema'
  | 'tree'
  | 'workflow';

/** Digest of bytes as they are: blobs in the store. */
export function digestOfBytes(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/**
 * Digest of a document: SHA-256 over `orrery/<kind>@1\n` and the document's RFC 8785 canonical JSON.
 * Throws TypeError, naming the path, for what JSON can't carry exactly (undefined, dates, -0, unsafe integers, lone surrogates,
 * holes, symbols, hidden or computed properties).
 */
export function digestOf(kind: DigestKind, document: unknown): Digest {
  return digestOfBytes(writeDocument(kind, document));
}

/** What is hashed of a document, and how it lies in the store: the line of its kind, then its canonical JSON. */
export function writeDocument(kind: DigestKind, document: unknown): string {
  return `orrery/${kind}@1\n${canonicalJson(document)}`;
}

/** The document of what `writeDocument` wrote. */
export function parseDocument(text: string): unknown {
  return JSON.parse(text.slice(text.indexOf('\n') + 1));
}

/** RFC 8785 canonical JSON of a value that passed the strict walk. */
export function canonicalJson(document: unknown): string {
  assertCanonical(document, '$');
  const text = canonicalize(document);
  if (text === undefined) throw new TypeError('$: the document is empty');
  return text;
}

export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && new RegExp(digestPattern).test(value);
}

/** The twelve hexadecimal digits by which people and folders name a digest. */
export function shortDigest(digest: string): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12);
}

/**
 * Refuses what would be left out, rounded, rewritten or read twice on the way to canonical JSON, so that two documents that
 * differ never have one text. `holders` are the arrays and objects that lead to the value.
 */
function assertCanonical(value: unknown, path: string, holders: readonly object[] = []): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string' || typeof value === 'number') {
    assertExact(value, path);
    return;
  }
  if (typeof value !== 'object') throw new TypeError(`${path}: ${describe(value)} has no canonical JSON`);
  if (holders.includes(value)) throw new TypeError(`${path}: the document contains itself`);
  if (holders.length >= depthMax) throw new TypeError(`${path}: deeper than ${depthMax} levels`);
  const within = [...holders, value];
  if (Array.isArray(value)) {
    assertArray(value, path);
    for (const [index, item] of value.entries()) assertCanonical(item, `${path}[${index}]`, within);
    return;
  }
  if (!isPlain(value)) throw new TypeError(`${path}: ${describe(value)} has no canonical JSON`);
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'symbol') throw new TypeError(`${path}: the key ${String(key)} would be left out`);
    assertExact(key, `${path} key`);
    assertCanonical(readProperty(value, key, path), `${path}.${key}`, within);
  }
}

function assertExact(value: string | number, path: string): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError(`${path}: a lone surrogate can't be written as UTF-8`);
    return;
  }
  if (!Number.isFinite(value)) throw new TypeError(`${path}: ${value} is no JSON number`);
  if (Object.is(value, -0)) throw new TypeError(`${path}: -0 would be written as 0`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new TypeError(`${path}: ${value} is not exact`);
}

/** Only items, all of them there: a hole would become null, a named property would be left out. */
function assertArray(value: readonly unknown[], path: string): void {
  if (Object.getPrototypeOf(value) !== Array.prototype) {
    throw new TypeError(`${path}: ${describe(value)} has no canonical JSON`);
  }
  for (let index = 0; index < value.length; index += 1) {
    if (!Object.hasOwn(value, index)) throw new TypeError(`${path}[${index}]: a hole has no canonical JSON`);
  }
  const extra = Reflect.ownKeys(value).find((key) => key !== 'length' && !/^\d+$/.test(String(key)));
  if (extra !== undefined) throw new TypeError(`${path}: the property ${String(extra)} of an array would be left out`);
}

function readProperty(holder: object, key: string, path: string): unknown {
  const property = Object.getOwnPropertyDescriptor(holder, key);
  if (property?.enumerable !== true) throw new TypeError(`${path}.${key}: a hidden property would be left out`);
  if (!('value' in property)) throw new TypeError(`${path}.${key}: a computed property has no lasting value`);
  return property.value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined';
  return typeof value === 'object' ? (value?.constructor.name ?? 'an object') : `a ${typeof value}`;
}
