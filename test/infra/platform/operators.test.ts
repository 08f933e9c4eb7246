import assert from 'node:assert/strict';
import { CertManager } from '#infra/platform/cert-manager.ts';
import { ExternalDns } from '#infra/platform/external-dns.ts';
import { GatewayApi } from '#infra/platform/gateway-api.ts';
import { Keda } from '#infra/platform/keda.ts';
import { LoadBalancerController } from '#infra/platform/load-balancer-controller.ts';
import { outline, record, resourceNamed, type Recording } from '#test/support/pulumi.ts';

const placement = { replicas: 2, systemPool: true };
const single = { replicas: 1, systemPool: false };
const common = { namespace: 'orrery-system', placement, after: [] };
const scheduling = {
  nodeSelector: { 'orrery.dev/pool': 'system' },
  tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }],
};

const controller = {
  ...common,
  region: 'eu-west-1',
  accountId: '000000000000',
  clusterName: 'orrery-dev',
  nodeSecurityGroupId: 'sg-nodes',
  vpcId: 'vpc-1',
  tags: { project: 'orrery' },
};

function valuesOf(recording: Pick<Recording<unknown>, 'resources'>, name: string): Record<string, unknown> {
  return resourceNamed(recording, name).inputs['values'] as Record<string, unknown>;
}

describe('the Gateway API', () => {
  it('comes by a chart of its own, without the definitions of Envoy', async () => {
    const recording = await record(() => new GatewayApi('gateway-api', { namespace: 'orrery-system' }));
    assert.deepEqual(outline(recording), [
      'orrery:platform:GatewayApi gateway-api',
      'kubernetes:helm.sh/v3:Release gateway-api-crds < gateway-api',
    ]);
    assert.deepEqual(valuesOf(recording, 'gateway-api-crds'), {
      crds: { gatewayAPI: { enabled: true, channel: 'standard' }, envoyGateway: { enabled: false } },
    });
  });
});

describe('the load balancer controller', () => {
  it('is a chart with a role of its own, which stands first', async () => {
    const recording = await record(() => new LoadBalancerController('balancers', controller));
    assert.deepEqual(outline(recording), [
      'orrery:platform:LoadBalancerController balancers',
      'kubernetes:helm.sh/v3:Release balancers-chart < balancers',
      'aws:eks/podIdentityAssociation:PodIdentityAssociation balancers-identity < balancers',
      'aws:iam/rolePolicy:RolePolicy balancers-policy < balancers',
      'aws:iam/role:Role balancers-role < balancers',
    ]);
    const { dependencies } = resourceNamed(recording, 'balancers-chart');
    assert.ok(dependencies.includes('balancers-identity') && dependencies.includes('balancers-policy'));
    assert.equal(
      resourceNamed(recording, 'balancers-identity').inputs['serviceAccount'],
      'aws-load-balancer-controller',
    );
  });

  it('looks at Gateways alone, asks no node for anything, and has no rights in its pod', async () => {
    const recording = await record(() => new LoadBalancerController('balancers', controller));
    assert.deepEqual(valuesOf(recording, 'balancers-chart'), {
      clusterName: 'orrery-dev',
      region: 'eu-west-1',
      vpcId: 'vpc-1',
      replicaCount: 2,
      serviceAccount: { name: 'aws-load-balancer-controller' },
      ...scheduling,
      podDisruptionBudget: { maxUnavailable: 1 },
      resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '256Mi' } },
      podSecurityContext: { fsGroup: 65_534, seccompProfile: { type: 'RuntimeDefault' } },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
        runAsNonRoot: true,
      },
      controllerConfig: { featureGates: { ALBGatewayAPI: true, NLBGatewayAPI: false } },
      enableServiceMutatorWebhook: false,
      createIngressClassResource: false,
      ingressClassParams: { create: false },
      enableShield: false,
      enableWaf: false,
      enableWafv2: false,
      defaultTargetType: 'ip',
      defaultTags: { project: 'orrery' },
    });
  });

  it('has no budget that a single copy could only break', async () => {
    const recording = await record(() => new LoadBalancerController('balancers', { ...controller, placement: single }));
    const values = valuesOf(recording, 'balancers-chart');
    assert.deepEqual([values['replicaCount'], 'podDisruptionBudget' in values], [1, false]);
  });
});

describe('external-dns', () => {
  it('adds records of one domain for routes alone, once, and deletes none', async () => {
    const recording = await record(
      () =>
        new ExternalDns('dns', {
          ...common,
          clusterName: 'orrery-dev',
          region: 'eu-west-1',
          domain: 'dev.orrery.example',
          zoneId: 'Z1',
          owner: 'orrery-dev',
        }),
    );
    assert.deepEqual(valuesOf(recording, 'dns-chart'), {
      serviceAccount: { name: 'external-dns' },
      provider: { name: 'aws' },
      env: [{ name: 'AWS_DEFAULT_REGION', value: 'eu-west-1' }],
      sources: ['gateway-httproute'],
      policy: 'upsert-only',
      registry: 'txt',
      txtOwnerId: 'orrery-dev',
      domainFilters: ['dev.orrery.example'],
      extraArgs: ['--zone-id-filter=Z1'],
      ...scheduling,
      resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '128Mi' } },
    });
    assert.ok(recording.completed.has('dns'));
    assert.ok(resourceNamed(recording, 'dns-chart').dependencies.includes('dns-identity'));
  });
});

describe('cert-manager', () => {
  it('keeps its definitions, knows the Gateway API, and runs each program as often as asked', async () => {
    const recording = await record(() => new CertManager('cert-manager', common));
    const values = valuesOf(recording, 'cert-manager-chart');
    assert.deepEqual(values['crds'], { enabled: true, keep: true });
    assert.deepEqual(values['config'], {
      apiVersion: 'controller.config.cert-manager.io/v1alpha1',
      kind: 'ControllerConfiguration',
      enableGatewayAPI: true,
    });
    assert.deepEqual(values['webhook'], {
      replicaCount: 2,
      ...scheduling,
      podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
      resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '128Mi' } },
    });
    assert.deepEqual([...recording.completed], ['cert-manager']);
  });

  it('has no budget where it runs once', async () => {
    const recording = await record(() => new CertManager('cert-manager', { ...common, placement: single }));
    assert.equal('podDisruptionBudget' in valuesOf(recording, 'cert-manager-chart'), false);
  });
});

describe('KEDA', () => {
  it('is one chart whose three programs run as often as asked, and whose values can be bent', async () => {
    const recording = await record(() => new Keda('keda', common));
    const stays = { maxUnavailable: 1 };
    const memory = (cpu: string, text: string) => ({ requests: { cpu, memory: text }, limits: { memory: text } });
    assert.deepEqual(valuesOf(recording, 'keda-chart'), {
      crds: { install: true },
      ...scheduling,
      operator: { replicaCount: 2 },
      metricsServer: { replicaCount: 2 },
      webhooks: { replicaCount: 2, failurePolicy: 'Fail' },
      podDisruptionBudget: { operator: stays, metricServer: stays, webhooks: stays },
      resources: {
        operator: memory('100m', '512Mi'),
        metricServer: memory('50m', '256Mi'),
        webhooks: memory('50m', '128Mi'),
      },
      prometheus: { operator: { enabled: true }, metricServer: { enabled: true } },
    });
    const bent = await record(
      () => new Keda('keda', { ...common, transform: { values: (values) => ({ ...values, asciiArt: false }) } }),
    );
    assert.equal(valuesOf(bent, 'keda-chart')['asciiArt'], false);
    assert.deepEqual(valuesOf(bent, 'keda-chart')['operator'], { replicaCount: 2 });
    const alone = await record(() => new Keda('keda', { ...common, placement: single }));
    assert.equal('podDisruptionBudget' in valuesOf(alone, 'keda-chart'), false);
  });
});
