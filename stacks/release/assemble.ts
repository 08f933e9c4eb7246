import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, type Digest } from '@orrery/contracts/digest';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import { parsePrices } from '#infra/planning/prices.ts';
import { packOf } from '#policies/pack.ts';
import { bundleInfrastructure, bundleService } from './bundle.ts';
import { describeData, readMigrations } from './data.ts';
import { digestOfTree, readTree } from './files.ts';
import { composeImage } from './image/image.ts';
import { readImageLock, type ImageLock } from './image/lock.ts';
import { assertCovers, wantedLayers } from './image/recipes.ts';
import { lockedClosure, lockedPackage, type Lockfile } from './lockfile.ts';
import { readDefinitions, readManifests } from './manifests.ts';
import { ReleaseObjects } from './objects.ts';
import { configFacet, contractFacet, schemaDocument, schemasOf } from './service-facets.ts';
import { describeToolchain } from './toolchain.ts';
import { closureVersions } from './versions.ts';

/** A release and every object that it names. */
export interface Assembled {
  readonly release: Release;
  readonly objects: readonly Buffer[];
}

interface Tree {
  readonly root: string;
  readonly lock: Lockfile;
  readonly images: ImageLock;
  readonly objects: ReleaseObjects;
}

type Draft = Omit<ReleasedService, 'closure'>;

/**
 * Computes the release of a source tree: a pure function of the tree and its installed packages. No live pairs: those are added by
 * the platform when a pair goes live.
 */
export async function assembleRelease(root: string): Promise<Assembled> {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
  const manifests = readManifests(root);
  const toolchain = describeToolchain(root, lock);
  const images = readImageLock(root);
  assertCovers(images, wantedLayers(lock, toolchain.pythonLock, manifests));
  const tree: Tree = { root, lock, images, objects: new ReleaseObjects() };
  const drafts: Record<string, Draft> = {};
  for (const manifest of manifests) drafts[manifest.name] = await describeService(tree, manifest);
  const release: Release = {
    schema: 2,
    services: withClosures(drafts),
    infrastructure: { bundle: tree.objects.bundle(await bundleInfrastructure(root)) },
    live: {},
    toolchain,
    data: describeData(root, manifests),
    policies: describePolicies(root),
    prices: describePrices(tree),
    secrets: ['orrery-token'],
  };
  return { release, objects: tree.objects.contents };
}

async function describeService({ root, lock, images, objects }: Tree, manifest: ServiceManifest): Promise<Draft> {
  const workspace = `services/${manifest.name}`;
  const files = await bundleService(root, manifest);
  const definitions = readDefinitions(root, manifest);
  const parts = {
    runtime: manifest.runtime,
    bundle: objects.bundle(files),
    image: composeImage(objects, images, { manifest, files, definitions }),
    config: objects.document('config', configFacet(manifest)),
    contract: objects.document('contract', contractFacet(manifest)),
    dependencies: digestOf('tree', lockedClosure(lock, workspace)),
    native: Object.fromEntries(manifest.native.map((name) => [name, lockedPackage(lock, workspace, name)])),
    definitions: Object.fromEntries(definitions.map((file) => [file.path, objects.bytes(file.content)])),
  };
  for (const schema of schemasOf(manifest)) objects.document('schema', schemaDocument(schema));
  for (const migration of readMigrations(root, manifest.name)) objects.bytes(migration.content);
  return { ...parts, own: digestOf('own', parts), manifest };
}

function withClosures(drafts: Readonly<Record<string, Draft>>): Release['services'] {
  const entries = Object.entries(drafts);
  const closures = closureVersions(
    Object.fromEntries(entries.map(([name, { own, manifest }]) => [name, { own, peers: manifest.peers }])),
  );
  const closureOf = (name: string, own: Digest): Digest => closures[name] ?? own;
  return Object.fromEntries(entries.map(([name, draft]) => [name, { ...draft, closure: closureOf(name, draft.own) }]));
}

function describePolicies(root: string): Release['policies'] {
  const rules = packOf('').rules.map(({ name }) => name);
  return { pack: digestOfTree(readTree(join(root, 'policies'))), rules: rules.sort() };
}

function describePrices({ root, objects }: Tree): Release['prices'] {
  const content = readFileSync(join(root, 'infra', 'planning', 'prices.json'));
  return { list: objects.bytes(content), asOf: parsePrices(content.toString('utf8')).asOf };
}
