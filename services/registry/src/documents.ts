import { digestOf, parseDocument, writeDocument, type Digest, type DigestKind } from '@orrery/contracts/digest';
import type { ObjectStore } from '@orrery/kit/store';

/**
 * Keeps a document so that its bytes hash to its digest: the line of its kind comes first, then its canonical JSON.
 * Returns that digest.
 */
export async function keepDocument(store: ObjectStore, kind: DigestKind, document: unknown): Promise<Digest> {
  const { digest } = await store.put(writeDocument(kind, document));
  if (digest !== digestOf(kind, document)) throw new TypeError(`the store named a ${kind} ${digest}`);
  return digest;
}

export async function readKept<T>(store: ObjectStore, digest: string): Promise<T> {
  return parseDocument((await store.get(digest)).toString('utf8')) as T;
}
