import type { Bundle, Release, ReleasedImage } from '@orrery/contracts/release';
import { parseDocument, type Digest } from '@orrery/contracts/digest';
import { messageOf } from '@orrery/kit/errors';
import type { ObjectStore } from '@orrery/kit/store';
import type { ImageManifest } from './image/image.ts';

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
 * Checks everything that a release stands on: each bundle, file, image, definition, schema, migration, live pair and the price
 * list is in the store and hashes to its name. Layers below a service's own are not: the image lock of its commit makes them.
 * Returns every fault; empty when whole.
 */
export async function verifyClosure(store: ObjectStore, release: Release): Promise<Fault[]> {
  const check = new ClosureCheck(store);
  for (const [name, service] of Object.entries(release.services)) {
    await check.bundle(service.bundle, `the bundle of ${name}`);
    await check.image(service.image, `the image of ${name}`);
    await check.object(service.config, `the configuration of ${name}`);
    await check.object(service.contract, `the contract of ${name}`);
    for (const [path, digest] of Object.entries(service.definitions)) await check.object(digest, `definitions/${path}`);
  }
  for (const [file, { text }] of Object.entries(release.data.clickhouse)) await check.object(text, `migration ${file}`);
  for (const [topic, { schema }] of Object.entries(release.data.topics))
    await check.object(schema, `schema of ${topic}`);
  await check.object(release.prices.list, 'the price list');
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

  /** The image's manifest, its configuration, its topmost layer and the manifest of its base. */
  async image({ digest, base }: ReleasedImage, what: string): Promise<void> {
    await this.object(base, `${what}, its base`);
    if (!(await this.object(digest, what))) return;
    const { config, layers } = JSON.parse((await this.store.get(digest)).toString('utf8')) as ImageManifest;
    await this.object(config.digest, `${what}, its configuration`);
    const own = layers.at(-1);
    if (own !== undefined) await this.object(own.digest, `${what}, its own layer`);
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
