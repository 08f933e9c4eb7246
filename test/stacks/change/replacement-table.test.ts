import assert from 'node:assert/strict';
import { effectOf, isKnownType } from '#stacks/change/replacement.ts';
import { recordPlatform } from '#test/support/cloud-platform.ts';
import { resource } from './corpus/graph.ts';

describe('the table of replacements', () => {
  it('knows every type that an environment is made of', async () => {
    for (const environment of ['dev', 'prod', 'kubernetes']) {
      const { resources } = await recordPlatform(environment);
      const types = new Set(resources.filter(({ custom }) => custom).map(({ type }) => type));
      // The control plane is expanded by the renderer into types that stand in the table too.
      types.delete('eks:index:Cluster');
      assert.deepEqual(
        [...types].filter((type) => !isKnownType(type)),
        [],
      );
      assert.ok(types.size > 20, `${types.size} types of ${environment}`);
    }
  });

  it('knows what the control plane is expanded into', () => {
    const expanded = ['aws:eks/cluster:Cluster', 'aws:iam/role:Role', 'pulumi:providers:kubernetes'];
    assert.deepEqual(
      expanded.filter((type) => !isKnownType(type)),
      [],
    );
  });

  it('tells what AWS makes again of a database, and that it takes back no storage', () => {
    const database = resource('aws:rds/instance:Instance', 'reports');
    const effect = (pointer: string, before: unknown, after: unknown) =>
      effectOf(database, { path: pointer.slice(1), pointer, before, after });
    assert.equal(effect('/username', 'reports', 'reader'), 'replace');
    assert.equal(effect('/allocatedStorage', 50, 20), 'refuse');
    assert.equal(effect('/allocatedStorage', 20, 50), undefined);
    assert.equal(effect('/instanceClass', 'db.t4g.micro', 'db.t4g.small'), undefined);
  });

  it('takes a custom resource for changed in place, and a kind of Kubernetes that nobody listed for unknown', () => {
    const known = [
      'karpenter.sh/v1:NodePool',
      'gateway.networking.k8s.io/v1:Gateway',
      'scheduling.k8s.io/v1:PriorityClass',
    ];
    assert.deepEqual(
      known.map((type) => isKnownType(`kubernetes:${type}`)),
      [true, true, false],
    );
  });
});
