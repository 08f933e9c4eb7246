import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePrices } from '#infra/planning/prices.ts';
import { compare } from '#stacks/change/compare.ts';
import { estimate } from '#stacks/cost/estimate.ts';
import { formatMarkdown } from '#stacks/change/markdown.ts';
import { baseGraph, resource } from './corpus/graph.ts';
import { withInput } from './corpus/case.ts';
import { baseWorld, contextOf, sideOf } from './corpus/world.ts';

const world = baseWorld();
const graph = baseGraph(world.release);
const prices = parsePrices(world.objects.get(world.release.prices.list)?.toString('utf8') ?? '');

describe('what a graph costs in a month', () => {
  it('is the sum of what stands, at the least size and at the most', () => {
    // 73 cluster; 3 x (365 node + 10 disk) = 1125; 2 x 146 Redis; 100 disk of ClickHouse; 1 key.
    // At the most 3 nodes more, 1125, and 2 GPU nodes of 730 + 10 each, 1480.
    const { monthly } = estimate(graph, prices);
    assert.deepEqual(monthly, {
      usd: 1591,
      mostUsd: 4196,
      estimatedUsd: 292,
      unpriced: [
        { type: 'aws:kms/key:Key', count: 1, why: 'by use' },
        { type: 'aws:s3/bucket:Bucket', count: 1, why: 'by use' },
      ],
      asOf: '2026-11-20',
    });
  });

  it('takes the mean of what AWS chooses between, and calls it an estimate', () => {
    const spot = {
      ...prices,
      entries: [
        { ...(prices.entries[0] ?? assert.fail()), key: 'ec2:eu-west-1:a.large:spot', usd: 1 },
        { ...(prices.entries[0] ?? assert.fail()), key: 'ec2:eu-west-1:b.large:spot', usd: 3 },
      ],
    };
    const nodes = resource('aws:eks/nodeGroup:NodeGroup', 'spot-nodes', {
      inputs: {
        capacityType: 'SPOT',
        instanceTypes: ['a.large', 'b.large'],
        scalingConfig: { minSize: 1, maxSize: 2 },
      },
    });
    const { monthly } = estimate(
      [resource('pulumi:providers:aws', 'aws', { inputs: { region: 'eu-west-1' } }), nodes],
      spot,
    );
    assert.deepEqual([monthly.usd, monthly.mostUsd, monthly.estimatedUsd], [1460, 2920, 1460]);
  });

  it('names and counts what has no price, and takes no part of it for the whole', () => {
    const unknown = [
      ...withInput(graph, 'gpu-nodes', 'instanceTypes', ['p5.48xlarge']),
      resource('aws:msk/cluster:Cluster', 'events'),
      resource('kubernetes:core/v1:Service', 'front', { inputs: { spec: { type: 'LoadBalancer' } } }),
    ];
    assert.deepEqual(
      estimate(unknown, prices).monthly.unpriced.map(({ type, count, why }) => `${count} ${type} ${why}`),
      [
        '1 aws:eks/nodeGroup:NodeGroup no price',
        '1 aws:kms/key:Key by use',
        '1 aws:msk/cluster:Cluster no price',
        '1 aws:s3/bucket:Bucket by use',
        '1 kubernetes:core/v1:Service no price',
      ],
    );
  });

  it('is a difference only of what has a price on both sides', () => {
    const differs = (from: typeof graph, to: typeof graph) => {
      const [before, after] = [baseWorld(), baseWorld()];
      const [base, head] = [
        sideOf({ ...before, graph: from }, 'prod'),
        sideOf({ ...after, graph: to }, 'working tree'),
      ];
      return compare(base, head, contextOf(before, after));
    };
    const huge = withInput(graph, 'redis-state-group', 'nodeType', 'cache.r7g.huge');
    const tall = withInput(huge, 'system-nodes', 'scalingConfig.minSize', 4);
    const lost = differs(graph, tall);
    // One node more: 365, and 10 for its disk. The 292 of Redis are in neither sum.
    assert.deepEqual(lost.monthly.difference, {
      unknown: 1,
      usd: { before: 1299, after: 1674 },
      mostUsd: { before: 3904, after: 3904 },
    });
    assert.deepEqual(
      lost.verdict.reasons.map(({ rule }) => rule),
      ['cost-raised', 'cost-unknown'],
    );
    assert.match(formatMarkdown([lost], { reproduce: 'x' }), /\| \+375\.00, and 1 without a price \|/);
    const gained = differs(huge, graph);
    assert.deepEqual([gained.monthly.difference?.unknown, gained.verdict.reasons], [1, []]);
    // Without a price on both sides, and the same: nothing differs. With other sizes: nobody knows by how much.
    assert.equal(differs(huge, tall).monthly.difference?.unknown, 0);
    const larger = withInput(huge, 'redis-state-group', 'numCacheClusters', 3);
    assert.equal(differs(huge, larger).monthly.difference?.unknown, 1);
  });

  it('rises with the limits of a pool of Karpenter and with the replicas that it must carry', () => {
    const pool = resource('kubernetes:karpenter.sh/v1:NodePool', 'general-nodes', {
      inputs: {
        spec: {
          limits: { cpu: '32' },
          template: {
            metadata: { labels: { 'orrery.dev/pool': 'general' } },
            spec: {
              nodeClassRef: { name: 'general' },
              requirements: [
                { key: 'node.kubernetes.io/instance-type', operator: 'In', values: ['m7i.2xlarge'] },
                { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['on-demand'] },
              ],
              taints: [],
            },
          },
        },
      },
    });
    const container = { name: 'web', resources: { requests: { cpu: '3' } } };
    const web = resource('kubernetes:apps/v1:Deployment', 'web-deployment', {
      inputs: { spec: { replicas: 2, template: { spec: { containers: [container] } } } },
    });
    const before = [...graph, pool, web];
    const changesOf = (after: typeof before) => {
      const [base, head] = [baseWorld(), baseWorld()];
      const sides = [sideOf({ ...base, graph: before }, 'prod'), sideOf({ ...head, graph: after }, 'tree')] as const;
      return compare(...sides, contextOf(base, head)).levels.cost.map(({ name, monthly, most }) => ({
        name,
        monthly,
        most,
      }));
    };
    // 6 cores fit into one node of 8, a price of 365; 12 need two.
    assert.deepEqual(changesOf(withInput(before, 'web-deployment', 'spec.replicas', 4)), [
      { name: 'general-nodes', monthly: { before: 365, after: 730 }, most: { before: 1460, after: 1460 } },
    ]);
    assert.deepEqual(changesOf(withInput(before, 'general-nodes', 'spec.limits.cpu', '64')), [
      { name: 'general-nodes', monthly: { before: 365, after: 365 }, most: { before: 1460, after: 2920 } },
    ]);
  });

  it('can be told of the platform by its own list: nothing of it is without a price', () => {
    const list = parsePrices(readFileSync(join(import.meta.dirname, '../../../infra/planning/prices.json'), 'utf8'));
    const { unpriced } = estimate(graph, list).monthly;
    assert.deepEqual(
      unpriced.filter(({ why }) => why === 'no price'),
      [],
    );
  });
});
