import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes, isDigest, parseDocument, type Digest } from '@orrery/contracts/digest';
import type { ObjectStore } from '@orrery/kit/store';
import { gitAnswer } from '../release/git.ts';
import type { Lockfile } from '../release/lockfile.ts';
import type { Places } from '../release/places.ts';
import { openStore } from '../release/store.ts';
import { metricsFile, pairFiles } from './model.ts';
import type { Context, Side } from './side.ts';

/** Where what a side names may be found, beside the store. */
export interface Origin {
  /** The commit that made it; undefined for the working tree. */
  readonly commit?: string;
  /** What was just assembled, by digest. */
  readonly objects: ReadonlyMap<Digest, Buffer>;
}

interface Wanted {
  readonly digest: Digest;
  /** Where the commit has the same bytes. */
  readonly path?: string;
  readonly origin: Origin;
}

/**
 * Brings what a comparison may look at: bundles, contracts and definitions that differ, pairs that moved with their metrics, price
 * lists, lockfiles. What is neither in the store nor in the commit stays away, and is told by its digest alone.
 */
export async function gatherEvidence(
  places: Places,
  sides: { readonly base: Side | undefined; readonly head: Side },
  origins: { readonly base: Origin; readonly head: Origin },
): Promise<Pick<Context, 'object' | 'lockfiles'>> {
  const store = openStore(places);
  const found = new Map<Digest, Buffer>();
  const { base, head } = sides;
  const wanted = [
    ...wantedOf(head, base, origins.head),
    ...(base === undefined ? [] : wantedOf(base, head, origins.base)),
  ];
  for (const one of wanted) {
    if (found.has(one.digest)) continue;
    const bytes = await bring(places, store, one);
    if (bytes !== undefined) found.set(one.digest, bytes);
  }
  for (const { digest, origin } of metricsOf(wanted, found)) {
    const bytes = await bring(places, store, { digest, origin });
    if (bytes !== undefined) found.set(digest, bytes);
  }
  return { object: (digest) => found.get(digest), lockfiles: await gatherLockfiles(places, sides, origins) };
}

/** What of one side the other has not. */
function wantedOf(side: Side, other: Side | undefined, origin: Origin): Wanted[] {
  const { release } = side;
  const services = Object.entries(release.services).flatMap(([name, service]) => {
    const rival = other?.release.services[name];
    const definitions = Object.entries(service.definitions).filter(
      ([path, digest]) => rival?.definitions[path] !== digest,
    );
    return [
      ...(rival?.bundle === service.bundle ? [] : [{ digest: service.bundle, origin }]),
      ...(rival?.contract === service.contract ? [] : [{ digest: service.contract, origin }]),
      ...definitions.map(([path, digest]) => ({ digest, path: `definitions/${path}`, origin })),
    ];
  });
  const pairs = Object.entries(release.live).filter(([model, pair]) => other?.release.live[model] !== pair);
  return [
    ...services,
    ...pairs.map(([, digest]) => ({ digest, origin })),
    { digest: release.prices.list, path: 'infra/planning/prices.json', origin },
  ];
}

/** A pair names its evidence, so that is known only once the pair is there. */
function metricsOf(wanted: readonly Wanted[], found: ReadonlyMap<Digest, Buffer>): Wanted[] {
  return wanted.flatMap(({ digest, origin }) => {
    const text = found.get(digest)?.toString('utf8') ?? '';
    if (!text.startsWith('orrery/pair@')) return [];
    const metrics = pairFiles(parseDocument(text))[metricsFile];
    return isDigest(metrics) ? [{ digest: metrics, origin }] : [];
  });
}

async function bring(
  places: Places,
  store: ObjectStore,
  { digest, path, origin }: Wanted,
): Promise<Buffer | undefined> {
  const assembled = origin.objects.get(digest);
  if (assembled !== undefined) return assembled;
  const stored = (await store.has(digest)) ? await store.get(digest).catch(() => undefined) : undefined;
  if (stored !== undefined || path === undefined) return stored;
  const text = await readCommitted(places, origin, path);
  return text !== undefined && digestOfBytes(text) === digest ? Buffer.from(text) : undefined;
}

async function readCommitted({ root }: Places, { commit }: Origin, path: string): Promise<string | undefined> {
  if (commit === undefined) return readFileSync(join(root, path), 'utf8');
  const { code, out } = await gitAnswer(root, ['show', `${commit}:${path}`]);
  return code === 0 ? out : undefined;
}

async function gatherLockfiles(
  places: Places,
  { base, head }: { readonly base: Side | undefined; readonly head: Side },
  origins: { readonly base: Origin; readonly head: Origin },
): Promise<Context['lockfiles']> {
  const file = 'package-lock.json';
  if (base === undefined || base.release.toolchain.lockfile === head.release.toolchain.lockfile) return {};
  const texts = await Promise.all([origins.base, origins.head].map((origin) => readCommitted(places, origin, file)));
  const [earlier, later] = texts.map((text) => (text === undefined ? undefined : (JSON.parse(text) as Lockfile)));
  return {
    ...(earlier === undefined ? {} : { base: earlier }),
    ...(later === undefined ? {} : { head: later }),
  };
}
