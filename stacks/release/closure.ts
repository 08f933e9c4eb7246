import type { Bundle, Release } from '@orrery/contracts/release';
import { isDigest, type Digest } from '@orrery/contracts/digest';
import { messageOf } from '@orrery/kit/errors';
import type { ObjectStore } from '@orrery/kit/store';

export interface Fault {
  readonly digest: Digest;
  readonly what: string;
  readonly reason: string;
}

/** Reads a bundle's document from the store. */
export async function readBundle(store: ObjectStore, digest: Digest): Promise<Bundle> {
  return readNamed<Bundle>(store, digest);
}

/**
 * Checks everything that a release stands on: each bundle, file, definition and live pair is in the store and hashes to its name.
 * Returns every fault; empty when whole.
 */
export async function verifyClosure(store: ObjectStore, release: Release): Promise<Fault[]> {
  const faults: Fault[] = [];
  const check = async (digest: Digest, what: string) => {
    await store.get(digest).catch((error: unknown) => faults.push({ digest, what, reason: messageOf(error) }));
  };
  const checkBundle = async (digest: Digest, what: string) => {
    const before = faults.length;
    await check(digest, what);
    if (faults.length > before) return;
    for (const file of (await readBundle(store, digest)).files) await check(file.object, `${what}, ${file.path}`);
  };
  for (const [name, service] of Object.entries(release.services)) {
    await checkBundle(service.bundle, `the bundle of ${name}`);
    for (const [path, digest] of Object.entries(service.definitions)) await check(digest, `definitions/${path}`);
  }
  await checkBundle(release.infrastructure.bundle, 'the infrastructure program');
  for (const [model, pair] of Object.entries(release.live)) await checkPair(store, pair, model, faults, check);
  return faults;
}

async function checkPair(
  store: ObjectStore,
  pair: Digest,
  model: string,
  faults: Fault[],
  check: (digest: Digest, what: string) => Promise<void>,
): Promise<void> {
  const before = faults.length;
  await check(pair, `the live pair of ${model}`);
  if (faults.length > before) return;
  const document = await readNamed<{ files: Record<string, string> }>(store, pair);
  for (const [name, digest] of Object.entries(document.files)) {
    if (isDigest(digest)) await check(digest, `the live pair of ${model}, ${name}`);
  }
}

/** Documents lie in the store with the line of their kind first, so that their bytes hash to their digest. */
async function readNamed<T>(store: ObjectStore, digest: Digest): Promise<T> {
  const text = (await store.get(digest)).toString('utf8');
  return JSON.parse(text.slice(text.indexOf('\n') + 1)) as T;
}
