import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

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
 * Throws TypeError, naming the path, for what JSON can't carry exactly (undefined, dates, unsafe integers, lone surrogates).
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

function assertCanonical(value: unknown, path: string): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError(`${path}: a lone surrogate can't be written as UTF-8`);
    return;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${path}: ${value} is no JSON number`);
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new TypeError(`${path}: ${value} is not exact`);
    return;
  }
  if (Array.isArray(value)) {
    value.forEach((item, index) => assertCanonical(item, `${path}[${index}]`));
    return;
  }
  if (typeof value === 'object' && isPlain(value)) {
    for (const [key, item] of Object.entries(value)) {
      assertCanonical(key, `${path} key`);
      assertCanonical(item, `${path}.${key}`);
    }
    return;
  }
  throw new TypeError(`${path}: ${describe(value)} has no canonical JSON`);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined';
  return typeof value === 'object' ? (value?.constructor.name ?? 'an object') : `a ${typeof value}`;
}
