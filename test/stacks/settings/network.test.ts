import assert from 'node:assert/strict';
import { findProblems } from '#stacks/settings/check.ts';
import { settingsOfFile } from '#test/support/cloud-release.ts';

/** Path and reason of each problem of the file of an environment, with its network changed. */
function problemsOf(environment: string, change: object): string[] {
  const settings = structuredClone(settingsOfFile(environment)) as { network: object };
  Object.assign(settings.network, change);
  return findProblems(environment, settings)
    .filter(({ path }) => path.startsWith('network'))
    .map(({ path, reason }) => `${path} ${reason}`);
}

const natInstance = { instanceType: 't4g.nano', imageId: 'ami-0123456789abcdef0' };
const endpoints = ['ec2', 'ecr.api', 'ecr.dkr', 'eks', 'eks-auth', 'sqs', 'ssm', 'sts'];

describe('the settings of a network', () => {
  it('admit every way out, a machine where it is described, and none where nodes reach AWS by endpoints', () => {
    for (const nat of ['single', 'regional', 'perAz']) assert.deepEqual(problemsOf('dev', { nat }), [], nat);
    assert.deepEqual(problemsOf('dev', { nat: 'instance', natInstance }), []);
    assert.deepEqual(problemsOf('dev', { nat: 'none', interfaceEndpoints: endpoints }), []);
  });

  it('describe a NAT machine exactly where there is one', () => {
    assert.deepEqual(problemsOf('dev', { nat: 'instance' }), [
      "network.natInstance can't be planned, nat is instance, and natInstance is missing",
    ]);
    assert.deepEqual(problemsOf('dev', { natInstance }), [
      "network.natInstance can't be planned, nat is single, and natInstance describes a machine",
    ]);
  });

  it('leave no node without a way to AWS', () => {
    assert.deepEqual(problemsOf('dev', { nat: 'none', interfaceEndpoints: endpoints.slice(1) }), [
      "network.interfaceEndpoints can't be planned, nat is none, and nodes reach ec2 by no endpoint",
    ]);
  });

  it('know the services that have an endpoint', () => {
    assert.match(problemsOf('dev', { interfaceEndpoints: ['ecr'] })[0] ?? '', /^network\.interfaceEndpoints\.0 /);
  });

  it('hold prod to three zones and a way out that survives one of them', () => {
    assert.deepEqual(problemsOf('prod', { zones: ['eu-west-1a', 'eu-west-1b'] }), ['network.zones are not three']);
    assert.deepEqual(problemsOf('prod', { nat: 'single' }), ['network.nat does not survive the loss of a zone']);
    assert.deepEqual(problemsOf('prod', { nat: 'perAz' }), []);
    assert.deepEqual(problemsOf('dev', { zones: ['eu-west-1a', 'eu-west-1b'] }), []);
  });

  it('name zones of the region alone, and a range that can be cut', () => {
    assert.deepEqual(problemsOf('dev', { zones: ['eu-west-1a', 'us-east-1b'] }), [
      'network.zones lies outside eu-west-1',
    ]);
    assert.match(problemsOf('dev', { cidr: '10.20.0.0/24' })[0] ?? '', /^network can't be planned/);
  });
});
