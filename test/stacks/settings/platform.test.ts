import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Type from 'typebox';
import { closed } from '#stacks/settings/fields.ts';
import {
  kubernetesPlatformRules,
  kubernetesPlatformSettings,
  platformRules,
  platformSettings,
  type KubernetesPlatformSettings,
  type PlatformSettings,
} from '#stacks/settings/platform.ts';

const cloud: PlatformSettings = {
  operators: { replicas: 2 },
  gateway: {
    kind: 'alb',
    scheme: 'internal',
    allowedCidrs: ['10.20.0.0/16'],
    webAcl: 'none',
    deletionProtection: true,
  },
  domain: { kind: 'route53', name: 'prod.orrery.example', zoneId: 'Z00000000000000000000' },
  secrets: { kind: 'secrets-manager', refreshMinutes: 60 },
};
const cluster: KubernetesPlatformSettings = {
  operators: { replicas: 1 },
  gateway: { kind: 'envoy', exposure: 'NodePort', allowedCidrs: ['10.0.0.0/8'] },
  domain: { kind: 'self-signed', name: 'orrery.example' },
};

/** Where the form is wrong. */
function malformed(settings: object, schema: Parameters<typeof Type.Object>[0] = platformSettings): string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: false, discriminator: true });
  const validate = ajv.compile(Type.Object(schema, closed));
  validate(settings);
  return (validate.errors ?? []).map(({ instancePath }) => instancePath);
}

function problemsOf(settings: PlatformSettings, environment = 'prod'): string[] {
  return platformRules.flatMap(({ find }) => find(settings, environment)).map(({ path }) => path);
}

function clusterProblemsOf(settings: KubernetesPlatformSettings, environment = 'dev'): string[] {
  return kubernetesPlatformRules.flatMap(({ find }) => find(settings, environment)).map(({ path }) => path);
}

describe('the platform’s settings', () => {
  it('are right as they are, in a cloud and in a cluster', () => {
    assert.deepEqual([malformed(cloud), problemsOf(cloud)], [[], []]);
    assert.deepEqual([malformed(cluster, kubernetesPlatformSettings), clusterProblemsOf(cluster)], [[], []]);
  });

  it('have one form a kind', () => {
    assert.deepEqual(malformed({ ...cloud, gateway: { kind: 'none' } }), []);
    assert.deepEqual(malformed({ ...cloud, gateway: { kind: 'none', scheme: 'internal' } }), ['/gateway']);
    assert.deepEqual(malformed({ ...cloud, gateway: { kind: 'envoy' } }), ['/gateway']);
    assert.deepEqual(malformed({ ...cloud, secrets: { kind: 'secrets-manager', refreshMinutes: 5 } }), [
      '/secrets/refreshMinutes',
    ]);
    assert.deepEqual(malformed({ ...cloud, domain: { kind: 'route53', name: 'local', zoneId: 'Z1' } }), [
      '/domain/name',
      '/domain/zoneId',
    ]);
  });

  it('never open a gateway by oversight', () => {
    const open = (scheme: 'internal' | 'internet-facing', allowedCidrs: string[]) =>
      problemsOf({
        ...cloud,
        gateway: { kind: 'alb', scheme, allowedCidrs, webAcl: 'none', deletionProtection: true },
      });
    assert.deepEqual(open('internet-facing', ['0.0.0.0/0']), ['gateway.allowedCidrs']);
    assert.deepEqual(open('internet-facing', []), ['gateway.allowedCidrs']);
    assert.deepEqual(open('internal', ['anyone']), ['gateway.allowedCidrs']);
    assert.deepEqual(open('internet-facing', ['anyone']), []);
    const envoy = { kind: 'envoy', exposure: 'LoadBalancer', allowedCidrs: ['0.0.0.0/0'] } as const;
    assert.deepEqual(clusterProblemsOf({ ...cluster, gateway: { ...envoy, allowedCidrs: ['0.0.0.0/0'] } }), [
      'gateway.allowedCidrs',
    ]);
    assert.deepEqual(clusterProblemsOf({ ...cluster, gateway: { kind: 'none' } }), []);
  });

  it('give a gateway a name', () => {
    assert.deepEqual(problemsOf({ ...cloud, domain: { kind: 'none' } }), ['domain']);
    assert.deepEqual(clusterProblemsOf({ ...cluster, domain: { kind: 'none' } }), ['domain']);
    assert.deepEqual(problemsOf({ ...cloud, domain: { kind: 'none' }, gateway: { kind: 'none' } }), []);
  });

  it('hold prod to what prod promises', () => {
    const loose: PlatformSettings = {
      ...cloud,
      operators: { replicas: 1 },
      gateway: {
        kind: 'alb',
        scheme: 'internal',
        allowedCidrs: ['10.20.0.0/16'],
        webAcl: 'none',
        deletionProtection: false,
      },
    };
    assert.deepEqual(problemsOf(loose), ['gateway.deletionProtection', 'operators.replicas']);
    assert.deepEqual(problemsOf(loose, 'dev'), []);
    assert.deepEqual(clusterProblemsOf(cluster, 'prod'), ['operators.replicas']);
  });
});
