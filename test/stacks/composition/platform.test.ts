import assert from 'node:assert/strict';
import * as aws from '@pulumi/aws';
import * as kubernetes from '@pulumi/kubernetes';
import { output } from '@pulumi/pulumi';
import type { AdmissionRule } from '#infra/planning/platform/admission.ts';
import { composeNamespaces, type NamespacesLayer } from '#stacks/composition/namespace.ts';
import { createClusterPlatform, createPlatform } from '#stacks/composition/platform.ts';
import { createTenants } from '#stacks/composition/tenants.ts';
import type { ClusterLayer, Foundation, KubernetesLayer } from '#stacks/composition/layers.ts';
import type { KubernetesPlatformSettings, PlatformSettings } from '#stacks/settings/platform.ts';
import { outline, record, resourceNamed, type Recording } from '#test/support/pulumi.ts';

const rule: AdmissionRule = {
  name: 'images-by-digest',
  why: 'a tag can be moved',
  message: 'name every image by its digest',
  match: { apiGroups: [''], resources: ['pods'], operations: ['CREATE'] },
  expression: 'true',
};

const cloudSettings: PlatformSettings = {
  operators: { replicas: 2 },
  gateway: {
    kind: 'alb',
    scheme: 'internal',
    allowedCidrs: ['10.20.0.0/16'],
    webAcl: 'none',
    deletionProtection: true,
  },
  domain: { kind: 'route53', name: 'dev.orrery.example', zoneId: 'Z00000000000000000000' },
  secrets: { kind: 'secrets-manager', refreshMinutes: 60 },
};

const clusterSettings: KubernetesPlatformSettings = {
  operators: { replicas: 1 },
  gateway: { kind: 'envoy', exposure: 'NodePort', allowedCidrs: ['10.0.0.0/8'] },
  domain: { kind: 'self-signed', name: 'orrery.example' },
};

function anyKubernetes(): KubernetesLayer {
  return { providers: { kubernetes: new kubernetes.Provider('kubernetes', { kubeconfig: '{}' }) }, ready: [] };
}

function namespacesOf(layer: KubernetesLayer, managedDataCidrs: readonly string[] = []): NamespacesLayer {
  return composeNamespaces({ kubernetes: layer, gpuQuota: 3, controlPlaneCidr: '10.20.0.0/16', managedDataCidrs });
}

function cloud(): { foundation: Foundation; cluster: ClusterLayer } {
  const provider = new aws.Provider('aws', { region: 'eu-west-1' });
  const { providers } = anyKubernetes();
  return {
    foundation: {
      environment: 'dev',
      region: 'eu-west-1',
      accountId: '000000000000',
      tags: { project: 'orrery' },
      providers: { aws: provider },
      keyArn: output('arn:aws:kms:::key/1'),
      accessLogs: { bucketName: output('access-logs-1') },
    },
    cluster: {
      providers: { ...providers, aws: provider },
      ready: [],
      clusterName: output('orrery-dev'),
      version: output('1.34'),
      securityGroupId: output('sg-nodes'),
    },
  };
}

const network = {
  vpcId: output('vpc-1'),
  cidr: '10.20.0.0/16',
  publicSubnetIds: [output('subnet-public-1'), output('subnet-public-2')],
  privateSubnetIds: [output('subnet-private-1'), output('subnet-private-2')],
  natGatewayIds: [],
};

function recordCloud(over: Partial<PlatformSettings> = {}) {
  return record(() => {
    const { foundation, cluster } = cloud();
    const namespaces = namespacesOf(cluster, ['10.20.0.0/16']);
    const settings = { ...cloudSettings, ...over };
    return createPlatform({
      settings,
      foundation,
      network: network,
      cluster,
      namespaces,
      hosts: ['orchestrator', 'scoring'],
      admission: [rule],
    });
  });
}

function recordCluster(over: Partial<KubernetesPlatformSettings> = {}) {
  return record(() => {
    const layer = anyKubernetes();
    const settings = { ...clusterSettings, ...over };
    return createClusterPlatform({
      settings,
      kubernetes: layer,
      namespaces: namespacesOf(layer),
      hosts: ['orchestrator', 'scoring'],
      admission: [rule],
    });
  });
}

function componentsOf(recording: Pick<Recording<unknown>, 'resources'>): string[] {
  return outline({ resources: recording.resources.filter(({ type }) => type.startsWith('orrery:')) });
}

const namespaceComponents = [
  'orrery:platform:Namespace nodes',
  'orrery:platform:Namespace observability',
  'orrery:platform:Namespace platform',
];

describe('the platform of a cloud', () => {
  it('is a gateway with everything that it needs, operators, rules, and namespaces', async () => {
    assert.deepEqual(componentsOf(await recordCloud()), [
      'orrery:platform:Admission admission',
      'orrery:platform:Certificate certificate',
      'orrery:platform:ExternalDns dns',
      'orrery:platform:ApplicationGateway gateway',
      'orrery:platform:GatewayApi gateway-api',
      'orrery:platform:Keda keda',
      'orrery:platform:LoadBalancerController load-balancers',
      ...namespaceComponents,
      'orrery:data:Bucket request-log',
      'orrery:platform:ExternalSecrets secrets',
      'orrery:platform:Namespace system',
      'orrery:security:Token token',
    ]);
  });

  it('has nothing of a gateway and of secrets where it has none', async () => {
    const recording = await recordCloud({ gateway: { kind: 'none' }, secrets: { kind: 'none' } });
    assert.deepEqual(componentsOf(recording), [
      'orrery:platform:Admission admission',
      'orrery:platform:Keda keda',
      ...namespaceComponents,
      'orrery:platform:Namespace system',
      'orrery:security:Token token',
    ]);
    assert.deepEqual([recording.result.gateway, recording.result.secrets], [undefined, undefined]);
    assert.equal((await recordCloud()).result.secrets?.refreshMinutes, 60);
  });

  it('puts an internal gateway into private subnets and one for the internet into public ones', async () => {
    const subnetsOf = async (settings: Partial<PlatformSettings>) => {
      const { inputs } = resourceNamed(await recordCloud(settings), 'gateway-balancer');
      return (inputs['spec'] as { loadBalancerSubnets: { identifier: string }[] }).loadBalancerSubnets.map(
        ({ identifier }) => identifier,
      );
    };
    assert.deepEqual(await subnetsOf({}), ['subnet-private-1', 'subnet-private-2']);
    const open = {
      kind: 'alb',
      scheme: 'internet-facing',
      allowedCidrs: ['anyone'],
      webAcl: 'arn:aws:wafv2:eu-west-1:000000000000:regional/webacl/front/1',
      deletionProtection: true,
    } as const;
    assert.deepEqual(await subnetsOf({ gateway: { ...open, allowedCidrs: ['anyone'] } }), [
      'subnet-public-1',
      'subnet-public-2',
    ]);
  });

  it('writes down who reads the log of requests', async () => {
    assert.deepEqual(resourceNamed(await recordCloud(), 'request-log-logging').inputs, {
      bucket: '${request-log-bucket.bucket}',
      targetBucket: 'access-logs-1',
      targetPrefix: 'request-log/',
    });
  });

  it('certifies each public host by name', async () => {
    const recording = await recordCloud();
    const certified = recording.resources.filter(({ type }) => type === 'aws:acm/certificate:Certificate');
    assert.deepEqual(
      certified.map(({ inputs }) => inputs['domainName']),
      ['orchestrator', 'scoring'].map((host) => `${host}.dev.orrery.example`),
    );
  });

  it('makes the load balancer after its controller, and the controller after the definitions', async () => {
    const recording = await recordCloud();
    assert.ok(resourceNamed(recording, 'gateway-class').dependencies.includes('load-balancers-chart'));
    assert.ok(resourceNamed(recording, 'load-balancers-chart').dependencies.includes('gateway-api-crds'));
    assert.ok(resourceNamed(recording, 'dns-chart').dependencies.includes('gateway-api-crds'));
  });

  it('gives GPUs to the services alone, and lets operators reach what AWS runs', async () => {
    const recording = await recordCloud();
    const quotas = ['platform', 'system', 'observability', 'nodes'].map((name) => {
      const { inputs } = resourceNamed(recording, `${name}-gpu-quota`);
      return (inputs['spec'] as { hard: Record<string, string> }).hard['requests.nvidia.com/gpu'];
    });
    assert.deepEqual(quotas, ['3', '0', '0', '0']);
    const { egress } = resourceNamed(recording, 'system-data').inputs['spec'] as {
      egress: { to: unknown; ports: { port: number }[] }[];
    };
    assert.deepEqual(egress[1]?.ports, [{ protocol: 'TCP', port: 9090 }]);
    assert.deepEqual(egress[2]?.to, [{ ipBlock: { cidr: '10.20.0.0/16' } }]);
  });
});

describe('the platform of any Kubernetes', () => {
  it('is the same without AWS', async () => {
    const recording = await recordCluster();
    assert.deepEqual(componentsOf(recording), [
      'orrery:platform:Admission admission',
      'orrery:platform:CertManager cert-manager',
      'orrery:platform:IssuedCertificate certificate',
      'orrery:platform:EnvoyGateway gateway',
      'orrery:platform:Keda keda',
      ...namespaceComponents,
      'orrery:platform:Namespace system',
      'orrery:security:Token token',
    ]);
    assert.deepEqual(
      recording.resources.filter(({ type }) => type.startsWith('aws:') || type.startsWith('eks:')),
      [],
    );
    assert.ok(!recording.resources.some(({ name }) => name.endsWith('-identity')));
  });

  it('has no gateway where it has none', async () => {
    const { result } = await recordCluster({ gateway: { kind: 'none' } });
    assert.deepEqual([result.gateway, result.ready.length], [undefined, 1]);
  });
});

describe('the tenants of an environment', () => {
  it('have a namespace each, shares of the GPUs that are theirs, and the gateway to talk to', async () => {
    const recording = await record(() =>
      createTenants({
        settings: {
          tenants: {
            demo: {
              tier: 'standard',
              cpu: 2,
              memoryGiB: 4,
              gpus: 1,
              pods: 20,
              storageGiB: 20,
              administrators: ['demo-developers'],
            },
          },
        },
        kubernetes: anyKubernetes(),
        sharesPerGpu: 4,
        stores: () => ({ kafka: { namespace: 'orrery', clusterName: 'events' } }),
      }),
    );
    const { inputs } = resourceNamed(recording, 'tenant-demo-quota');
    assert.equal((inputs['spec'] as { hard: Record<string, string> }).hard['requests.nvidia.com/gpu'], '4');
    assert.ok(resourceNamed(recording, 'tenant-demo-kafka-user'));
    const { spec } = resourceNamed(recording, 'tenant-demo-space-peers').inputs as {
      spec: { egress: { to: unknown }[] };
    };
    assert.deepEqual(spec.egress[0]?.to, [
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'orrery' } },
        podSelector: { matchLabels: { 'app.kubernetes.io/name': 'gateway' } },
      },
    ]);
    assert.deepEqual(Object.keys(recording.result), ['demo']);
  });
});
