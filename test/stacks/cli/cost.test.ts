import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parsePrices } from '#infra/planning/prices.ts';
import { cost } from '#stacks/cli/cost.ts';
import { formatCost } from '#stacks/cost/format.ts';
import { describeCost, reportCost } from '#stacks/cost/report.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { sideOf, baseWorld } from '../change/corpus/world.ts';
import { cloud, deployment, nodePool, on, pod, resource } from '../cost/graph.ts';

const entry = { unit: 'hour', source: 'a test', date: '2026-11-20', estimate: false };
const prices = parsePrices(
  JSON.stringify({
    schema: 1,
    asOf: '2026-11-20',
    currency: 'USD',
    entries: [
      { ...entry, key: 'aws:eks/cluster', usd: 0.1 },
      { ...entry, key: 'ec2:eu-west-1:m7i.xlarge:on-demand', usd: 0.2, estimate: true },
      { ...entry, key: 'logs:eu-west-1:ingest', unit: 'GiB', usd: 0.57 },
      { ...entry, key: 'logs:eu-west-1:storage', unit: 'GiB-month', usd: 0.03, estimate: true },
      { ...entry, key: 'vpc:eu-west-1:interface-endpoint', usd: 0.01 },
    ],
  }),
);

function endpoint(name: string): GraphResource {
  return resource('aws:ec2/vpcEndpoint:VpcEndpoint', name, {
    vpcEndpointType: 'Interface',
    subnetIds: ['a', 'b', 'c'],
  });
}

const graph: readonly GraphResource[] = [
  ...cloud,
  resource('aws:eks/cluster:Cluster', 'cluster'),
  resource('aws:cloudwatch/logGroup:LogGroup', 'cluster-logs'),
  nodePool('general-pool-nodes', 'general'),
  deployment('web', pod({ cpu: '500m', memory: '1Gi' }, on('general')), 9),
  resource('aws:elasticache/replicationGroup:ReplicationGroup', 'redis', { nodeType: 'cache.huge' }),
  resource('aws:quantum/computer:Computer', 'oracle'),
];

function reportOf(over: readonly GraphResource[]) {
  const side = sideOf({ ...baseWorld(), graph: [...over] }, 'working tree');
  return reportCost({ environment: 'dev', side, prices });
}

describe('orrery cost', () => {
  it('tells people what it costs by component, the dearest first, and what the sum leaves out', () => {
    assert.equal(
      formatCost(reportOf(graph), false),
      `dev (working tree): 365.00 USD a month at the least size, 1533.00 USD at the most that it may grow to; prices of 2026-11-20, \
80 % of the least rests on estimates

component           least USD  most USD  estimated  driven by
general-pool-nodes     292.00   1460.00     292.00  2 to 10 x m7i.xlarge on demand
cluster                 73.00     73.00       0.00  1 x control plane
total                  365.00   1533.00     292.00

nodes for what pods ask for:
  general-pool-nodes: 2 of at most 10 nodes, 9 pods ask for 4.5 cores, 9 GiB of memory
  each node as the mean of its pool's types

billed by use, in no sum:
  logs kept     0.03 USD a GiB and month, an estimate  cluster-logs
  logs, intake  0.57 USD a GiB                         cluster-logs

without a price, in no sum:
  redis  aws:elasticache/replicationGroup:ReplicationGroup  needs elasticache:eu-west-1:cache.huge
  oracle  aws:quantum/computer:Computer

never in a sum: traffic between zones and to the internet, support, taxes and discounts`,
    );
  });

  it('takes equal things of a component together, and says what else it has', () => {
    const vpc = 'urn:pulumi:dev::orrery::orrery:network:Vpc::network';
    const below = { parent: vpc };
    const network = [
      ...cloud,
      resource('orrery:network:Vpc', 'network', {}, { urn: vpc, custom: false }),
      ...['network-ecr', 'network-sts'].map((name) => ({ ...endpoint(name), ...below })),
      resource('aws:eks/cluster:Cluster', 'network-cluster', {}, below),
    ];
    const [, , , row = ''] = formatCost(reportOf(network), false).split('\n');
    assert.equal(row, 'network       116.80    116.80       0.00  1 x control plane, 1 more');
    const detail = formatCost(reportOf(network), true);
    assert.match(
      detail,
      /\n {2}network {2}network-ecr: 3 x interface endpoint in a zone at 7\.30 USD a month each = 21\.90 USD\n/,
    );
    const endpoints = network.filter(({ type }) => type !== 'aws:eks/cluster:Cluster');
    assert.match(formatCost(reportOf(endpoints), false), /^network .* 6 x interface endpoint in a zone$/m);
  });

  it('says where pods ask for more than the limits of their pool allow, and how many charts it can’t count', () => {
    const narrow = nodePool('narrow', 'general', { limits: { cpu: '4' } });
    const chart = resource('kubernetes:helm.sh/v3:Release', 'keda');
    const web = deployment('web', pod({ cpu: 2 }, on('general')), 9);
    const text = formatCost(reportOf([...cloud, narrow, chart, web, nodePool('spare', 'spare')]), false);
    assert.match(
      text,
      /narrow: 1 of at most 1 nodes, 9 pods ask for 18 cores, 0 GiB of memory; they would need 5, the rest waits/,
    );
    assert.match(text, /spare: 0 of at most 10 nodes, no pod stands there at the least size/);
    assert.match(text, /each node as the mean .*; what jobs and the pods of 1 chart ask for is not counted/);
  });

  it('gives programs amounts, drivers, nodes and unit prices', () => {
    const described = describeCost(reportOf(graph)) as {
      monthly: unknown;
      region: unknown;
      components: readonly { component: string; usd: number; mostUsd: number; unpriced: unknown }[];
      nodes: unknown;
      unitPrices: unknown;
    };
    assert.equal(described.region, 'eu-west-1');
    assert.deepEqual(described.monthly, {
      usd: 365,
      mostUsd: 1533,
      estimatedUsd: 292,
      unpriced: [
        { type: 'aws:cloudwatch/logGroup:LogGroup', why: 'by use', count: 1 },
        { type: 'aws:elasticache/replicationGroup:ReplicationGroup', why: 'no price', count: 1 },
        { type: 'aws:quantum/computer:Computer', why: 'no price', count: 1 },
      ],
      asOf: '2026-11-20',
    });
    assert.deepEqual(
      described.components.map(({ component, usd, mostUsd }) => [component, usd, mostUsd]),
      [
        ['general-pool-nodes', 292, 1460],
        ['cluster', 73, 73],
        ['cluster-logs', 0, 0],
        ['oracle', 0, 0],
        ['redis', 0, 0],
      ],
    );
    assert.deepEqual(described.nodes, [
      {
        ...{ name: 'general-pool-nodes', label: 'general', asked: 2, least: 2, most: 10, pods: 9 },
        ...{ cores: 4.5, memoryGiB: 9, gpus: 0 },
      },
    ]);
    assert.deepEqual(described.unitPrices, {
      'logs:eu-west-1:ingest': '0.57 USD a GiB',
      'logs:eu-west-1:storage': '0.03 USD a GiB and month, an estimate',
    });
  });

  it('tells of a cluster that is there what pods and volumes ask it for, and takes none of it for billed', () => {
    const redis = resource('kubernetes:apps/v1:StatefulSet', 'redis', {
      spec: {
        replicas: 2,
        template: { spec: pod({ cpu: '250m', memory: '512Mi', 'nvidia.com/gpu': 1 }) },
        volumeClaimTemplates: [{ spec: { resources: { requests: { storage: '8Gi' } } } }],
      },
    });
    const front = resource('kubernetes:core/v1:Service', 'front', { spec: { type: 'LoadBalancer' } });
    const gateway = resource('kubernetes:gateway.networking.k8s.io/v1:Gateway', 'gateway');
    const report = reportOf([redis, front, gateway, resource('kubernetes:helm.sh/v3:Release', 'keda')]);
    assert.equal(
      formatCost(report, true),
      'dev (working tree): nothing of it is on a bill that we know: it runs on a cluster that is there. Its 2 pods ask that ' +
        'cluster for 0.5 cores, 1 GiB of memory, 2 GPUs and 16 GiB of volumes; ' +
        'what jobs and the pods of 1 chart ask for is not counted',
    );
    const { region, monthly } = describeCost(report) as {
      region: unknown;
      monthly: { usd: number; unpriced: unknown };
    };
    assert.deepEqual([region, monthly.usd, monthly.unpriced], [null, 0, []]);
  });

  it('says of an empty environment that nothing of it is billed', () => {
    assert.equal(formatCost(reportOf([]), false), 'dev (working tree): asks for nothing that is billed');
    assert.match(formatCost(reportOf(cloud), true), /^dev \(working tree\): 0\.00 USD .* 0 % of the least/);
  });

  it('refuses local, which nobody bills, and an environment that is none', async () => {
    const root = join(import.meta.dirname, '../../..');
    const context = {
      places: { root, state: join(root, '.orrery') },
      portBase: undefined,
      actor: 'a test',
      json: false,
      now: () => new Date('2026-11-21T00:00:00Z'),
      progress: () => undefined,
      input: () => Readable.from([]),
      untilInterrupted: () => Promise.resolve(),
    };
    const run = (...words: string[]) => cost.run(context, { words, values: {} });
    await assert.rejects(run('local'), { code: 'USAGE', exitCode: 2, message: /nobody bills it/ });
    await assert.rejects(run('nowhere'), { code: 'ENVIRONMENT_UNKNOWN', exitCode: 2 });
    await assert.rejects(run(), { code: 'USAGE', exitCode: 2 });
  });
});
