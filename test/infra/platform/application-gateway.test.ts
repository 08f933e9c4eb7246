import assert from 'node:assert/strict';
import { ComponentResource } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';
import { ApplicationGateway, type ApplicationGatewayArgs } from '#infra/platform/application-gateway.ts';
import { GatewayApi } from '#infra/platform/gateway-api.ts';
import { createRoute } from '#infra/platform/route.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const args: ApplicationGatewayArgs = {
  namespace: 'orrery-system',
  domain: 'dev.orrery.example',
  networkCidr: '10.20.0.0/16',
  scheme: 'internal',
  allowedCidrs: ['10.20.0.0/16'],
  subnetIds: ['subnet-1', 'subnet-2'],
  certificateArns: ['arn:aws:acm:::certificate/1'],
  logBucket: 'logs',
  deletionProtection: false,
  after: [],
};

const route = { namespace: 'orrery', serviceName: 'console', port: 8080, healthPath: '/readyz' };

class Console extends ComponentResource {
  readonly url: string;

  constructor(gateway: ApplicationGateway, host: string) {
    super('test:Console', 'console', {}, {});
    this.url = createRoute(this, 'console', { ...route, gateway, host });
    this.registerOutputs();
  }
}

function recordGateway(over: Partial<ApplicationGatewayArgs> = {}) {
  return record(() => new ApplicationGateway('gateway', { ...args, ...over }));
}

describe('a gateway of AWS', () => {
  it('is a Gateway of a class of its own, with the balancer’s configuration and a redirect', async () => {
    const recording = await recordGateway();
    const objects = outline(recording);
    assert.deepEqual(objects, [
      'orrery:platform:ApplicationGateway gateway',
      'kubernetes:gateway.k8s.aws/v1beta1:LoadBalancerConfiguration gateway-balancer < gateway',
      'kubernetes:gateway.networking.k8s.io/v1:GatewayClass gateway-class < gateway',
      'kubernetes:gateway.networking.k8s.io/v1:Gateway gateway-gateway < gateway',
      'kubernetes:gateway.networking.k8s.io/v1:HTTPRoute gateway-redirect < gateway',
    ]);
    assert.deepEqual(resourceNamed(recording, 'gateway-class').inputs['spec'], {
      controllerName: 'gateway.k8s.aws/alb',
    });
    const spec = resourceNamed(recording, 'gateway-gateway').inputs['spec'] as Record<string, unknown>;
    assert.deepEqual(
      [spec['gatewayClassName'], spec['infrastructure']],
      [
        '${gateway-class.metadata.name}',
        {
          parametersRef: {
            group: 'gateway.k8s.aws',
            kind: 'LoadBalancerConfiguration',
            name: '${gateway-balancer.metadata.name}',
          },
        },
      ],
    );
    assert.deepEqual([...recording.completed], ['gateway']);
    assert.deepEqual(recording.result.origin, { cidr: '10.20.0.0/16' });
  });

  it('comes after the controller that makes and unmakes its load balancer', async () => {
    const recording = await record(() => {
      const definitions = new GatewayApi('gateway-api', { namespace: 'orrery-system' });
      return new ApplicationGateway('gateway', { ...args, after: definitions.ready });
    });
    assert.ok(resourceNamed(recording, 'gateway-balancer').dependencies.includes('gateway-api-crds'));
    assert.ok(resourceNamed(recording, 'gateway-class').dependencies.includes('gateway-api-crds'));
    assert.ok(resourceNamed(recording, 'gateway-gateway').dependencies.includes('gateway-class'));
  });

  it('lets its balancer be bent', async () => {
    const recording = await recordGateway({
      transform: { balancer: (balancer) => ({ ...balancer, sourceRanges: ['192.0.2.0/24'] }) },
    });
    const { inputs } = resourceNamed(recording, 'gateway-balancer');
    assert.deepEqual((inputs['spec'] as { sourceRanges: string[] }).sourceRanges, ['192.0.2.0/24']);
  });

  it('refuses to be open by oversight before anything is registered', async () => {
    await assert.rejects(
      recordGateway({ scheme: 'internet-facing', allowedCidrs: ['0.0.0.0/0'] }),
      (error) => error instanceof PlanError && error.code === 'GATEWAY_OPEN',
    );
  });

  it('leads a host to the pods of a Service', async () => {
    const recording = await record(() => new Console(new ApplicationGateway('gateway', args), 'console'));
    assert.equal(recording.result.url, 'https://console.dev.orrery.example');
    const made = resourceNamed(recording, 'console-route');
    assert.deepEqual([made.type, made.parent], ['kubernetes:gateway.networking.k8s.io/v1:HTTPRoute', 'console']);
    assert.deepEqual((made.inputs['spec'] as { parentRefs: unknown }).parentRefs, [
      { name: '${gateway-gateway.metadata.name}', namespace: 'orrery-system', sectionName: 'https' },
    ]);
    const targets = resourceNamed(recording, 'console-targets').inputs;
    assert.deepEqual([targets['kind'], targets['apiVersion']], ['TargetGroupConfiguration', 'gateway.k8s.aws/v1beta1']);
  });

  it('refuses a host that its certificate doesn’t cover', async () => {
    await assert.rejects(
      record(() => new Console(new ApplicationGateway('gateway', args), 'a.b')),
      (error) => error instanceof PlanError && error.code === 'ROUTE_HOST_INVALID',
    );
  });
});
