import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { digestOf, digestOfBytes, type Digest } from '@orrery/contracts/digest';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';

const root = join(import.meta.dirname, '..', '..');

/** Peers, needs, state and the rest of each service that the cloud deploys; what they are made of does not matter here. */
const given: Readonly<Record<string, Given>> = {
  orchestrator: {
    needs: ['redis-state', 'clickhouse', 'store', 'bus'],
    definitions: ['workflow'],
    peers: ['ingest', 'features', 'registry', 'scoring', 'training'],
    public: true,
  },
  scoring: { needs: ['redis-cache', 'store', 'live-pairs'], peers: ['features', 'clickhouse'], scaling: 'cpu' },
  features: { needs: ['clickhouse', 'store'], definitions: ['feature-set'], peers: ['clickhouse'], scaling: 'cpu' },
  ingest: { needs: ['clickhouse', 'datasets'], definitions: ['pipeline'] },
  registry: { needs: ['store'], definitions: ['model'], stateful: true },
  clickhouse: { stateful: true },
};

/** A release of the services that the cloud deploys, written by hand. */
export function cloudRelease(infrastructure: Digest = digestOfBytes('infrastructure')): Release {
  return {
    schema: 2,
    services: Object.fromEntries(Object.entries(given).map(([name, over]) => [name, releasedService(name, over)])),
    infrastructure: { bundle: infrastructure },
    live: { delay: digestOfBytes('live pair of delay') },
    toolchain: {
      node: '24.21.0',
      python: '3.11',
      engine: '3.270.0',
      bundler: '0.28.2',
      providers: {},
      lockfile: digestOfBytes('lockfile'),
      pythonLock: digestOfBytes('python lock'),
    },
    data: { clickhouse: {}, topics: {}, keySpaces: {} },
    policies: { pack: digestOfBytes('policies'), rules: [] },
    prices: { list: digestOfBytes('prices'), asOf: '2026-11-20' },
    secrets: ['orrery-token'],
  };
}

export function digestOfRelease(release: Release): Digest {
  return digestOf('release', release);
}

/** The settings of an environment as its file in the repository has them, without the prefix of their keys. */
export function settingsOfFile(environment: string): Record<string, unknown> {
  const document = parse(readFileSync(join(root, `Pulumi.${environment}.yaml`), 'utf8')) as { config: object };
  return Object.fromEntries(
    Object.entries(document.config).map(([key, value]) => [key.slice('orrery:'.length), value as unknown]),
  );
}

/** The same as Pulumi hands them to a program: text for text, JSON for everything else. */
export function pulumiConfig(settings: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      `orrery:${key}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

type Given = Partial<ServiceManifest>;

function releasedService(name: string, over: Given): ReleasedService {
  return {
    runtime: 'node',
    bundle: digestOfBytes(`bundle of ${name}`),
    image: { digest: digestOfBytes(`image of ${name}`), base: digestOfBytes('image base'), platform: 'linux/amd64' },
    config: digestOfBytes(`config of ${name}`),
    contract: digestOfBytes(`contract of ${name}`),
    dependencies: digestOfBytes(`dependencies of ${name}`),
    native: {},
    definitions: {},
    own: digestOfBytes(`own of ${name}`),
    closure: digestOfBytes(`closure of ${name}`),
    manifest: {
      name,
      description: `the ${name} of a test`,
      runtime: 'node',
      ports: { http: { default: 10 } },
      consumes: [],
      produces: [],
      keySpaces: [],
      definitions: [],
      native: [],
      peers: [],
      resources: { cpu: 0.5, memoryMiB: 512 },
      probes: { live: '/healthz', ready: '/readyz' },
      stateful: false,
      scaling: 'none',
      ...over,
    },
  };
}
