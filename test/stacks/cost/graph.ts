import type { GraphResource } from '#stacks/render/graph.ts';

type Fields = Readonly<Record<string, unknown>>;

export const stack = 'urn:pulumi:dev::orrery::pulumi:pulumi:Stack::orrery-dev';

/** A resource of a graph that is written by hand; it hangs off the stack unless `over` says otherwise. */
export function resource(
  type: string,
  name: string,
  inputs: Fields = {},
  over: Partial<GraphResource> = {},
): GraphResource {
  const urn = `urn:pulumi:dev::orrery::${type}::${name}`;
  const none = { dependencies: [], propertyDependencies: {}, options: {} };
  return { urn, type, name, parent: stack, custom: true, inputs, ...none, ...over };
}

/** The stack and a provider of AWS. */
export const cloud: readonly GraphResource[] = [
  resource('pulumi:pulumi:Stack', 'orrery-dev', {}, { urn: stack, parent: null, custom: false }),
  resource('pulumi:providers:aws', 'aws', { region: 'eu-west-1' }),
];

interface PoolOptions {
  readonly types?: readonly string[];
  readonly limits?: Fields;
  readonly weight?: number;
  readonly capacity?: readonly string[];
  readonly tainted?: boolean;
  readonly gpuShares?: number;
}

/** A pool of Karpenter by the label that pods select it by. */
export function nodePool(name: string, label: string, options: PoolOptions = {}): GraphResource {
  const { types = ['m7i.xlarge'], limits = { cpu: '40' }, weight = 10, capacity = ['on-demand'] } = options;
  const shares = options.gpuShares === undefined ? {} : { 'orrery.dev/gpu-shares': String(options.gpuShares) };
  return resource('kubernetes:karpenter.sh/v1:NodePool', name, {
    metadata: { name },
    spec: {
      limits,
      weight,
      template: {
        metadata: { labels: { 'orrery.dev/pool': label, ...shares } },
        spec: {
          nodeClassRef: { name },
          requirements: [
            { key: 'karpenter.sh/capacity-type', operator: 'In', values: capacity },
            { key: 'node.kubernetes.io/instance-type', operator: 'In', values: types },
          ],
          taints: options.tainted === true ? [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }] : [],
        },
      },
    },
  });
}

/** A pod of one container with these requests. */
export function pod(requests: Fields, over: Fields = {}): Fields {
  return { containers: [{ name: 'main', resources: { requests } }], ...over };
}

export function on(pool: string): Fields {
  return { nodeSelector: { 'orrery.dev/pool': pool } };
}

export function deployment(name: string, spec: Fields, replicas?: number): GraphResource {
  return resource('kubernetes:apps/v1:Deployment', name, {
    metadata: { name },
    spec: { ...(replicas === undefined ? {} : { replicas }), template: { spec } },
  });
}
