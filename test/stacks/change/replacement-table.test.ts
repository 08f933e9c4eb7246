import assert from 'node:assert/strict';
import { isKnownType } from '#stacks/change/replacement.ts';
import { recordPlatform } from '#test/support/cloud-platform.ts';

describe('the table of replacements', () => {
  it('knows every type that dev and prod are made of', async () => {
    for (const environment of ['dev', 'prod']) {
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
