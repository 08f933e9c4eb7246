import type { Digest } from '@orrery/contracts/digest';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import type { Binding } from '@orrery/contracts/pin';
import type { GraphResource } from '../render/graph.ts';
import { planLaunches, type Launch } from './launch.ts';
import { layoutOf, versionFolder } from './layout.ts';
import { portOffsets } from './ports.ts';
import { redisConfiguration } from './redis-server.ts';
import { localSettings, type LocalSettings } from './settings.ts';

const urnPrefix = 'urn:pulumi:local::orrery';
const environmentType = 'orrery:local:Environment';
const processType = 'orrery:local:Process';
const redisType = 'orrery:local:Redis';
const environmentUrn = `${urnPrefix}::${environmentType}::local`;

/** What differs from machine to machine stays a symbol: the clone, its state folder, the installed programs, the token. */
const layout = layoutOf({ root: '${clone}', state: '${state}' });

/**
 * Pure: all that `local` is, from a release and a binding, in the form of a cloud's graph: one resource a process, each with
 * everything that its process is started by. No path, port choice, token or clock of a machine is in it.
 */
export function renderLocal(release: Release, digest: Digest, binding: Binding): GraphResource[] {
  const settings = localSettings(binding);
  const { portBase, bus } = settings;
  const launches = planLaunches({
    layout,
    digest,
    release,
    settings,
    portBase,
    folders: Object.fromEntries(
      Object.entries(release.services).map(([name, service]) => [name, versionFolder(layout, service)]),
    ),
    python: '${python}',
    kafkaBrokers: ['${kafka-brokers}'],
  });
  const names = launches.map((launch) => launch.name);
  const processes = launches.flatMap((launch) => {
    const service = release.services[launch.name];
    return service === undefined ? [] : [processOf(launch, service, names)];
  });
  const root = resource(environmentType, 'local', { inputs: { release: digest, portBase, bus }, dependencies: [] });
  return [
    { ...root, urn: environmentUrn, parent: null, custom: false },
    redisOf('state', settings),
    redisOf('cache', settings),
    ...processes,
  ].sort((left, right) => (left.urn < right.urn ? -1 : 1));
}

function processOf(launch: Launch, service: ReleasedService, names: readonly string[]): GraphResource {
  const { manifest, bundle } = service;
  const { folder, port, stateful, drainMs, config } = launch;
  const redis = (manifest.needs ?? []).filter((need) => need === 'redis-state' || need === 'redis-cache');
  const peers = manifest.peers.filter((peer) => names.includes(peer));
  return resource(processType, launch.name, {
    inputs: { bundle, folder, port, stateful, drainMs, resources: manifest.resources, config },
    dependencies: [...redis.map((name) => urnOf(redisType, name)), ...peers.map((peer) => urnOf(processType, peer))],
  });
}

function redisOf(kind: 'state' | 'cache', { portBase, redis }: LocalSettings): GraphResource {
  const name = `redis-${kind}` as const;
  const memoryMiB = kind === 'state' ? redis.stateMemoryMiB : redis.cacheMemoryMiB;
  const port = portBase + portOffsets[name];
  const configuration = redisConfiguration({ port, folder: layout.data(name), memoryMiB }, kind);
  return resource(redisType, name, {
    inputs: { configuration, password: { $secret: '${token}' } },
    dependencies: [],
  });
}

function resource(
  type: string,
  name: string,
  { inputs, dependencies }: { inputs: Readonly<Record<string, unknown>>; dependencies: readonly string[] },
): GraphResource {
  return {
    urn: urnOf(type, name),
    type,
    name,
    parent: environmentUrn,
    custom: true,
    inputs,
    dependencies: [...dependencies].sort(),
    propertyDependencies: {},
    options: {},
  };
}

function urnOf(type: string, name: string): string {
  return `${urnPrefix}::${environmentType}$${type}::${name}`;
}
