import { join } from 'node:path';
import { digestOf, type Digest } from '@orrery/contracts/digest';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import type { Need } from '@orrery/contracts/service-manifest';
import { CommandError } from '../errors.ts';
import { componentsOf } from '../release/versions.ts';
import type { Layout } from './layout.ts';
import { host, portOffsets } from './ports.ts';
import type { LocalSettings } from './settings.ts';

/** How one service is started. `inputs` names all that its process is made of: the same inputs, the same process. */
export interface Launch {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly stateful: boolean;
  readonly drainMs: number;
  /** All of the service's configuration but the release it belongs to, which it may learn while it runs. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly release: Digest;
  readonly inputs: Digest;
}

export interface LaunchPlanOptions {
  readonly layout: Layout;
  readonly digest: Digest;
  readonly release: Release;
  readonly settings: LocalSettings;
  readonly portBase: number;
  /** Where each service's bundle was laid out. */
  readonly folders: Readonly<Record<string, string>>;
  readonly python: string;
  /** Brokers of this machine; empty when it has none. */
  readonly kafkaBrokers: readonly string[];
}

const drainMs = 5000;

/** Pure: every service's launch, in the order of starting (what a service depends on comes first). */
export function planLaunches(options: LaunchPlanOptions): Launch[] {
  const { release, portBase } = options;
  const versions = Object.fromEntries(
    Object.entries(release.services).map(([name, { own, manifest }]) => [name, { own, peers: manifest.peers }]),
  );
  const order = componentsOf(versions).flat();
  const first = order.filter((name) => release.services[name]?.manifest.stateful === true);
  const rest = order.filter((name) => !first.includes(name));
  return [...first, ...rest].flatMap((name) => {
    const service = release.services[name];
    const offset = service?.manifest.ports.http?.default;
    if (service === undefined || service.runtime !== 'node' || offset === undefined) return [];
    return [planLaunch(options, service, portBase + offset)];
  });
}

/** Port by purpose, of everything that listens. */
export function planPorts(release: Release, portBase: number): Record<string, number> {
  const own = Object.entries(portOffsets).map(([name, offset]) => [name, portBase + offset] as const);
  const services = Object.values(release.services).flatMap(({ manifest }) => {
    const offset = manifest.ports.http?.default;
    return offset === undefined ? [] : [[manifest.name, portBase + offset] as const];
  });
  return Object.fromEntries([...own, ...services]);
}

function planLaunch(options: LaunchPlanOptions, service: ReleasedService, port: number): Launch {
  const { layout, digest, settings } = options;
  const { name } = service.manifest;
  const folder = options.folders[name] ?? '';
  const common = {
    service: name,
    environment: 'local',
    version: { own: service.own, closure: service.closure },
    host,
    port,
    tokenFile: layout.token,
    definitionsFolder: join(folder, 'definitions'),
    dataFolder: layout.data(name),
    peers: peerUrls(options),
    drainMs,
    settings: settings.services[name] ?? {},
  };
  const given = Object.assign({}, ...(service.manifest.needs ?? []).map((need) => provide(need, options))) as object;
  const config = { ...common, ...given };
  return {
    name,
    folder,
    port,
    stateful: service.manifest.stateful,
    drainMs,
    config,
    release: digest,
    inputs: digestOf('config', config),
  };
}

/** What a need of a service's manifest means on one machine. */
function provide(need: Need, options: LaunchPlanOptions): object {
  const { portBase, layout, release, settings } = options;
  const redis = (name: 'redis-state' | 'redis-cache') => `redis://${host}:${portBase + portOffsets[name]}`;
  switch (need) {
    case 'redis-state':
    case 'redis-cache':
      return { redis: { state: redis('redis-state'), cache: redis('redis-cache') } };
    case 'clickhouse':
      return { clickhouse: { url: serviceUrl(options, 'clickhouse'), database: 'orrery' } };
    case 'store':
      return { store: { folder: layout.store } };
    case 'bus':
      return { bus: settings.bus === 'kafka' ? { driver: 'kafka', brokers: brokersOf(options) } : { driver: 'redis' } };
    case 'live-pairs':
      return { live: release.live };
    case 'programs':
      return { programs: programsOf(options) };
    case 'datasets':
      return { datasets: datasetsOf(options) };
  }
}

/** Python services are programs that process steps run. */
function programsOf(options: LaunchPlanOptions): object {
  const programs = Object.values(options.release.services).filter((service) => service.runtime === 'python');
  return Object.fromEntries(
    programs.map((service) => {
      const folder = options.folders[service.manifest.name] ?? '';
      const environment = {
        PYTHONPATH: folder,
        PYTHONHASHSEED: '0',
        PYTHONDONTWRITEBYTECODE: '1',
        OMP_NUM_THREADS: '2',
      };
      const command = [options.python, '-m', `orrery_${service.manifest.name}`];
      return [service.manifest.name, { folder, bundle: service.bundle, command, environment }];
    }),
  );
}

function datasetsOf(options: LaunchPlanOptions): Record<string, string> {
  const definitions = join(options.folders['ingest'] ?? '', 'definitions');
  return Object.fromEntries(
    Object.entries(options.settings.datasets).map(([name, place]) => {
      const [, scheme, path = ''] = /^([a-z]+):(.*)$/.exec(place) ?? [];
      if (scheme === 'npm') return [name, join(options.layout.root, 'node_modules', path)];
      return [name, scheme === 'definition' ? join(definitions, path) : path];
    }),
  );
}

function peerUrls(options: LaunchPlanOptions): Record<string, string> {
  const names = Object.keys(options.release.services).filter((name) => serviceOffset(options, name) !== undefined);
  const urls = names.map((name) => [name, serviceUrl(options, name)]);
  return { ...(Object.fromEntries(urls) as Record<string, string>), deployer: `http://${host}:${options.portBase}` };
}

function serviceUrl(options: LaunchPlanOptions, name: string): string {
  return `http://${host}:${options.portBase + (serviceOffset(options, name) ?? 0)}`;
}

function serviceOffset(options: LaunchPlanOptions, name: string): number | undefined {
  return options.release.services[name]?.manifest.ports.http?.default;
}

function brokersOf({ kafkaBrokers }: LaunchPlanOptions): readonly string[] {
  if (kafkaBrokers.length > 0) return kafkaBrokers;
  throw new CommandError({
    code: 'BROKERS_MISSING',
    message: 'Pulumi.local.yaml chooses the bus kafka, but KAFKA_BROKERS is not set',
    hint: 'set KAFKA_BROKERS=host:port, or set orrery:bus to redis',
  });
}
