import { packOf, type Pack } from '#policies/pack.ts';
import { digestOf, digestOfBytes, writeDocument, type Digest } from '@orrery/contracts/digest';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import { levels } from '#stacks/change/change.ts';
import type { Context, Side } from '#stacks/change/side.ts';
import type { Lockfile } from '#stacks/release/lockfile.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { baseGraph } from './graph.ts';

/** What a case may change before it is compared with what it was: all of it plain data. */
export interface World {
  release: Release;
  settings: Record<string, unknown>;
  graph: GraphResource[];
  /** Text of each definition. */
  definitions: Record<string, string>;
  lockfile: Lockfile;
  objects: Map<Digest, Buffer>;
  staleBase?: string;
}

const workflow = `kind: workflow
name: score-day
steps:
  - name: score
    uses: http
    timeoutSeconds: 600
  - name: publish
    uses: http
    needs: [score]
`;

const pricesOf = (asOf: string): string =>
  JSON.stringify({
    schema: 1,
    asOf,
    currency: 'USD',
    entries: [
      price('aws:eks/cluster', 'hour', 0.1),
      price('ebs:eu-west-1:gp3', 'GiB-month', 0.1),
      price('ec2:eu-west-1:g5.xlarge:on-demand', 'hour', 1),
      price('ec2:eu-west-1:m7i.2xlarge:on-demand', 'hour', 0.5),
      { ...price('elasticache:eu-west-1:cache.r7g.large', 'hour', 0.2), estimate: true },
      price('kms:eu-west-1:key', 'month', 1),
    ],
  });

/** The platform in small: two services that a cloud runs, one that it does not, and what they stand on. */
export function baseWorld(): World {
  const objects = new Map<Digest, Buffer>();
  const keep = (text: string): Digest => {
    const digest = digestOfBytes(text);
    objects.set(digest, Buffer.from(text));
    return digest;
  };
  const definitions = { 'workflows/score-day.yaml': workflow };
  const services = {
    orchestrator: service('orchestrator', ['scoring'], keep),
    scoring: service('scoring', [], keep),
    training: service('training', [], keep),
  };
  services.orchestrator.definitions = { 'workflows/score-day.yaml': keep(workflow) };
  const release: Release = {
    schema: 2,
    services,
    infrastructure: { bundle: digestOfBytes('infrastructure') },
    live: { delay: keepPair('one', 35.4, keep) },
    toolchain: {
      node: '24.21.0',
      python: '3.11',
      engine: '3.270.0',
      bundler: '0.28.2',
      providers: { '@pulumi/aws': { version: '7.48.0', integrity: 'sha512-aws' } },
      lockfile: digestOfBytes('lockfile'),
      pythonLock: digestOfBytes('python lock'),
    },
    data: {
      clickhouse: { 'scoring/001_create_scores.sql': { text: digestOfBytes('create scores'), phase: 'expand' } },
      topics: {
        'orrery.run-events': {
          schema: digestOfBytes('run event'),
          producers: ['orchestrator'],
          consumers: ['scoring'],
        },
      },
      keySpaces: { 'orchestrator:{*}:*': { service: 'orchestrator', store: 'state' } },
    },
    policies: { pack: digestOfBytes('policies'), rules: ['images-by-digest', 'stateful-is-protected'] },
    prices: { list: keep(pricesOf('2026-11-20')), asOf: '2026-11-20' },
    secrets: ['orrery-token'],
  };
  return {
    release,
    settings: { gpuMax: 2, redis: { state: { nodeType: 'cache.r7g.large', replicas: 1 } } },
    graph: baseGraph(release),
    definitions,
    lockfile: { packages: { '': {}, 'node_modules/fastify': { version: '5.12.8', integrity: 'sha512-five' } } },
    objects,
  };
}

/** A pair with its measurement, as the store has them. */
export function keepPair(name: string, rmse: number, keep: (text: string) => Digest): Digest {
  const metrics = keep(JSON.stringify({ metric: 'rmse', unit: 'minutes', model: { rmse } }));
  return keep(writeDocument('pair', { schema: 1, model: 'delay', name, files: { 'metrics.json': metrics } }));
}

function service(name: string, peers: string[], keep: (text: string) => Digest): ReleasedService {
  const files = [{ path: 'src/main.mjs', object: digestOfBytes(`code of ${name}`), bytes: 4000 }];
  return {
    runtime: name === 'training' ? 'python' : 'node',
    bundle: keep(writeDocument('bundle', { schema: 1, files })),
    image: { digest: digestOfBytes(`image of ${name}`), base: digestOfBytes('base'), platform: 'linux/amd64' },
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
      runtime: name === 'training' ? 'python' : 'node',
      ports: { http: { default: 10 } },
      consumes: [],
      produces: [],
      keySpaces: [],
      definitions: [],
      native: [],
      peers,
      resources: { cpu: 1, memoryMiB: 512 },
      probes: { live: '/healthz', ready: '/readyz' },
      stateful: false,
      scaling: 'none',
    },
  };
}

function price(key: string, unit: string, usd: number) {
  return { key, unit, usd, source: 'written for a test', date: '2026-11-20', estimate: false };
}

export function sideOf(world: World, label: string): Side {
  const { release, settings, graph } = world;
  return {
    label,
    digest: digestOf('release', release),
    release,
    binding: { digest: digestOf('binding', settings), settings },
    render: digestOf('render', graph),
    graph,
  };
}

/** The rules that the corpus was written by: it tells how a violation reads, not which there are. */
function packOfCorpus(environment: string): Pack {
  const judging = ['gpu-cap-agrees', 'images-by-digest', 'no-open-endpoint', 'redis-policies', 'stateful-is-protected'];
  const pack = packOf(environment);
  return { ...pack, rules: pack.rules.filter(({ name }) => judging.includes(name)) };
}

export function contextOf(base: World, head: World): Context {
  return {
    environment: 'prod',
    pack: packOfCorpus,
    environments: false,
    levels,
    leftOut: [],
    object: (digest) => base.objects.get(digest) ?? head.objects.get(digest),
    lockfiles: { base: base.lockfile, head: head.lockfile },
    ...(head.staleBase === undefined ? {} : { staleBase: head.staleBase }),
  };
}
