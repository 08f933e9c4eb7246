import type { Bundle, Release } from '@orrery/contracts/release';
import { parseDocument, type Digest } from '@orrery/contracts/digest';
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
  const check = new ClosureCheck(store);
  for (const [name, service] of Object.entries(release.services)) {
    await check.bundle(service.bundle, `the bundle of ${name}`);
    for (const [path, digest] of Object.entries(service.definitions)) await check.object(digest, `definitions/${path}`);
  }
  await check.bundle(release.infrastructure.bundle, 'the infrastructure program');
  for (const [model, pair] of Object.entries(release.live)) await check.pair(pair, `the live pair of ${model}`);
  return check.faults;
}

class ClosureCheck {
  readonly faults: Fault[] = [];
  private readonly store: ObjectStore;

  constructor(store: ObjectStore) {
    this.store = store;
  }

  async object(digest: Digest, what: string): Promise<boolean> {
    try {
      await this.store.get(digest);
      return true;
    } catch (error) {
      this.faults.push({ digest, what, reason: messageOf(error) });
      return false;
    }
  }

  async bundle(digest: Digest, what: string): Promise<void> {
    if (!(await this.object(digest, what))) return;
    for (const file of (await readBundle(this.store, digest)).files) {
      await this.object(file.object, `${what}, ${file.path}`);
    }
  }

  async pair(digest: Digest, what: string): Promise<void> {
    if (!(await this.object(digest, what))) return;
    const { files } = await readNamed<{ files: Record<string, Digest> }>(this.store, digest);
    for (const [name, object] of Object.entries(files)) await this.object(object, `${what}, ${name}`);
  }
}

/** Documents lie in the store with the line of their kind first, so that their bytes hash to their digest. */
async function readNamed<T>(store: ObjectStore, digest: Digest): Promise<T> {
  return parseDocument((await store.get(digest)).toString('utf8')) as T;
}
