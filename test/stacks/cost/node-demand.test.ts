import assert from 'node:assert/strict';
import { planNodeDemand } from '#stacks/cost/node-demand.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { deployment, nodePool, on, pod, resource } from './graph.ts';

/** Nodes of each pool: asked, least, most. */
function nodesOf(...graph: readonly GraphResource[]): Record<string, readonly number[]> {
  const demands = [...planNodeDemand(graph).values()];
  return Object.fromEntries(demands.map(({ pool, asked, least, most }) => [pool.name, [asked, least, most]]));
}

// m7i.xlarge has 4 cores and 16 GiB.
const general = nodePool('general', 'general');

describe('the nodes for what pods ask for', () => {
  it('are requests times replicas by cores or by memory, rounded up, whichever needs more', () => {
    assert.deepEqual(nodesOf(general, deployment('a', pod({ cpu: '500m', memory: '1Gi' }, on('general')), 9)), {
      general: [2, 2, 10],
    });
    assert.deepEqual(nodesOf(general, deployment('a', pod({ cpu: '100m', memory: '6Gi' }, on('general')), 9)), {
      general: [4, 4, 10],
    });
    assert.deepEqual(nodesOf(general), { general: [0, 0, 10] });
  });

  it('are not one more for what adding up decimals leaves behind', () => {
    const tenths = Array.from({ length: 40 }, (_, index) =>
      deployment(`a${index}`, pod({ cpu: '0.1' }, on('general'))),
    );
    assert.deepEqual(nodesOf(general, ...tenths), { general: [1, 1, 10] });
  });

  it('are of the size of the mean of the pool’s types', () => {
    const mixed = nodePool('general', 'general', { types: ['m7i.xlarge', 'r7i.2xlarge'], limits: { cpu: '60' } });
    // 6 cores and 40 GiB the mean: 12 cores need two, and 60 cores are ten.
    assert.deepEqual(nodesOf(mixed, deployment('a', pod({ cpu: 2 }, on('general')), 6)), { general: [2, 2, 10] });
  });

  it('are at most what the limits allow, whichever ends first, and what goes beyond waits', () => {
    const small = nodePool('general', 'general', { limits: { cpu: '40', memory: '48Gi' } });
    assert.deepEqual(nodesOf(small, deployment('a', pod({ cpu: 4 }, on('general')), 5)), { general: [5, 3, 3] });
  });

  it('are at least as many as pods that may not share a node', () => {
    const terms = [{ topologyKey: 'kubernetes.io/hostname', labelSelector: {} }];
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } };
    const apart = pod({ cpu: '100m' }, { ...on('general'), affinity });
    const keeper = resource('kubernetes:clickhouse-keeper.altinity.com/v1:ClickHouseKeeperInstallation', 'keeper', {
      spec: {
        configuration: { clusters: [{ layout: { replicasCount: 3 } }] },
        templates: { podTemplates: [{ spec: apart }] },
      },
    });
    assert.deepEqual(nodesOf(general, keeper), { general: [3, 3, 10] });
  });

  it('leave out what daemons take of every node, those of other pools apart', () => {
    const daemon = (name: string, spec: Record<string, unknown>) =>
      resource('kubernetes:apps/v1:DaemonSet', name, { spec: { template: { spec } } });
    const agent = daemon('agent', pod({ cpu: '1' }));
    const plugin = daemon('plugin', pod({ cpu: '3' }, on('gpu')));
    const web = deployment('web', pod({ cpu: '1' }, on('general')), 4);
    assert.deepEqual(nodesOf(general, agent, plugin, web), { general: [2, 2, 10] });
    const greedy = daemon('greedy', pod({ cpu: '4' }));
    assert.deepEqual(nodesOf(general, greedy, web), { general: [Number.POSITIVE_INFINITY, 10, 10] });
  });

  it('are none for jobs, for what runs on nodes of another kind and for what a chart runs', () => {
    const job = resource('kubernetes:batch/v1:CronJob', 'backup', {
      spec: { jobTemplate: { spec: { template: { spec: pod({ cpu: '8' }, on('general')) } } } },
    });
    const system = deployment('controller', pod({ cpu: '8' }, on('system')), 2);
    const chart = resource('kubernetes:helm.sh/v3:Release', 'chart', {
      values: { replicas: 3, resources: { requests: { cpu: '8' } } },
    });
    assert.deepEqual(nodesOf(general, job, system, chart), { general: [0, 0, 10] });
  });
});

describe('the pool that a pod goes to', () => {
  const spot = nodePool('spot', 'spot', { weight: 50, capacity: ['spot'] });
  const fallback = nodePool('fallback', 'spot', { weight: 30 });
  const gpu = nodePool('gpu', 'gpu', {
    weight: 90,
    tainted: true,
    gpuShares: 2,
    types: ['g6.xlarge'],
    limits: { cpu: '40', 'nvidia.com/gpu': '8' },
  });
  const pools = [general, spot, fallback, gpu];
  const expression = (...values: string[]) => ({ key: 'orrery.dev/pool', operator: 'In', values });

  it('is the first that it prefers of those that it may take', () => {
    const affinity = {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, preference: { matchExpressions: [expression('gpu')] } },
          { weight: 50, preference: { matchExpressions: [expression('spot')] } },
        ],
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [expression('general', 'spot')] }],
        },
      },
    };
    const { spot: found } = nodesOf(...pools, deployment('web', pod({ cpu: '1' }, { affinity })));
    assert.deepEqual(found, [1, 1, 10]);
  });

  it('is the one of the greatest weight where several have its label, or where it selects none', () => {
    const selected = nodesOf(...pools, deployment('web', pod({ cpu: '1' }, on('spot'))));
    const free = nodesOf(...pools, deployment('web', pod({ cpu: '1' })));
    for (const nodes of [selected, free]) {
      assert.deepEqual(
        Object.entries(nodes).map(([name, [asked]]) => [name, asked]),
        [
          ['general', 0],
          ['spot', 1],
          ['fallback', 0],
          ['gpu', 0],
        ],
      );
    }
  });

  it('counts GPUs in the shares that a node offers', () => {
    const { gpu: found } = nodesOf(gpu, deployment('worker', pod({ 'nvidia.com/gpu': '1' }, on('gpu')), 3));
    // One GPU of two shares a node: three shares need two nodes, eight shares are four.
    assert.deepEqual(found, [2, 2, 4]);
  });
});

describe('how many pods a workload has', () => {
  const asked = (...graph: readonly GraphResource[]) => nodesOf(general, ...graph)['general']?.[0];
  const four = pod({ cpu: '4' }, on('general'));

  it('is its replicas, else the least of its autoscaler, by name or by reference', () => {
    const scaler = (type: string, name: string, spec: Record<string, unknown>) =>
      resource(`kubernetes:${type}`, 'scaler', { spec: { scaleTargetRef: { name }, ...spec } });
    const hpa = 'autoscaling/v2:HorizontalPodAutoscaler';
    const keda = 'keda.sh/v1alpha1:ScaledObject';
    const web = deployment('web', four);
    assert.equal(asked(web), 1);
    assert.equal(asked(web, scaler(hpa, '${web.metadata.name}', { minReplicas: 3 })), 3);
    assert.equal(asked(web, scaler(hpa, 'web', {})), 1);
    assert.equal(asked(web, scaler(keda, 'web', { minReplicaCount: 2 })), 2);
    assert.equal(asked(web, scaler(keda, 'web', {})), 0);
    assert.equal(asked(web, scaler(keda, 'another', {})), 1);
    assert.equal(asked(deployment('web', four, 5), scaler(keda, 'web', {})), 5);
  });

  it('is of a StatefulSet its replicas, of ClickHouse the shards times the replicas', () => {
    const set = resource('kubernetes:apps/v1:StatefulSet', 'redis', {
      spec: { replicas: 2, template: { spec: four } },
    });
    const servers = resource('kubernetes:clickhouse.altinity.com/v1:ClickHouseInstallation', 'clickhouse', {
      spec: {
        configuration: { clusters: [{ layout: { shardsCount: 2, replicasCount: 2 } }] },
        templates: { podTemplates: [{ spec: pod({ cpu: '1' }, on('general')) }] },
      },
    });
    const spread = { podDistribution: [{ type: 'ClickHouseAntiAffinity' }] };
    const template = { ...spread, spec: pod({ cpu: '1' }, on('general')) };
    const apart = resource(servers.type, 'clickhouse', {
      spec: {
        configuration: { clusters: [{ layout: { shardsCount: 2, replicasCount: 2 } }] },
        templates: { podTemplates: [template] },
      },
    });
    assert.deepEqual([asked(set), asked(servers), asked(apart)], [2, 1, 4]);
  });

  it('is of Kafka the brokers, where the cluster has them run, and one pod of operators', () => {
    const kafka = 'kubernetes:kafka.strimzi.io/v1beta2';
    const expressions = [{ key: 'orrery.dev/pool', operator: 'In', values: ['general'] }];
    const required = { nodeSelectorTerms: [{ matchExpressions: expressions }] };
    const pods = { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } };
    const requests = { requests: { cpu: '2' } };
    const cluster = resource(`${kafka}:Kafka`, 'kafka', {
      metadata: { name: 'events' },
      spec: {
        kafka: { template: { pod: pods } },
        entityOperator: {
          template: { pod: pods },
          topicOperator: { resources: requests },
          userOperator: { resources: requests },
        },
      },
    });
    const brokers = resource(`${kafka}:KafkaNodePool`, 'brokers', {
      metadata: { labels: { 'strimzi.io/cluster': 'events' } },
      spec: { replicas: 3, resources: requests },
    });
    // Six cores of brokers and four of operators.
    assert.equal(asked(cluster, brokers), 3);
    const [demand] = planNodeDemand([general, cluster, brokers]).values();
    assert.deepEqual([demand?.pods, demand?.request.cores], [4, 10]);
  });

  it('reads the limit where a container requests nothing, and a container that starts first and stays', () => {
    const spec = {
      containers: [{ name: 'main', resources: { limits: { cpu: '2' } } }, { name: 'bare' }],
      initContainers: [
        { name: 'once', resources: { requests: { cpu: '8' } } },
        { name: 'proxy', restartPolicy: 'Always', resources: { requests: { cpu: '1' } } },
      ],
      ...on('general'),
    };
    const [demand] = planNodeDemand([general, deployment('web', spec)]).values();
    assert.equal(demand?.request.cores, 3);
  });
});

describe('a pool that can’t be reckoned', () => {
  it('is one without types, with a type of unknown size, or without limits', () => {
    assert.deepEqual(nodesOf(nodePool('a', 'a', { types: [] }), nodePool('b', 'b', { types: ['z9.huge'] })), {});
    assert.deepEqual(nodesOf(nodePool('c', 'c', { limits: {} })), {});
  });
});
