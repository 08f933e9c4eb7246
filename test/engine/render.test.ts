import assert from 'node:assert/strict';
import { currentHost, findProgram } from '#stacks/setup/host.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { readKeptGraph } from '#stacks/render/pinned.ts';
import { PulumiProject } from '#test/support/pulumi-project.ts';
import { commandTimeoutMs, initStack, lacksAccount, pulumi } from './engine.ts';
import { PreviewComparison, type EngineState } from './preview.ts';

const clusterTypes = 'orrery:cluster:ControlPlane$eks:index:Cluster$';

/** What the provider's own source makes of the cluster; seen URN for URN with a provider that was built from it. */
const childrenOfSource = [
  'aws:eks/cluster:Cluster::cluster-cluster-eksCluster',
  'eks:index:ServiceRole$aws:iam/role:Role::cluster-cluster-eksRole-role',
  'eks:index:ServiceRole$aws:iam/rolePolicyAttachment:RolePolicyAttachment::cluster-cluster-eksRole-4b490823',
  'eks:index:ServiceRole::cluster-cluster-eksRole',
  'pulumi:providers:kubernetes::cluster-cluster-eks-k8s',
];

/**
 * What the lab's imitation of the provider makes instead: it ignores skipDefaultSecurityGroups and createInstanceRole, attaches
 * policies under the role, knows no ServiceRole, and names its Kubernetes provider differently.
 */
const childrenOfImitation = [
  'aws:ec2/securityGroup:SecurityGroup::cluster-cluster-eksClusterSecurityGroup',
  'aws:eks/cluster:Cluster::cluster-cluster-eksCluster',
  'aws:iam/role:Role$aws:iam/rolePolicyAttachment:RolePolicyAttachment::cluster-cluster-eksRole-0',
  'aws:iam/role:Role$aws:iam/rolePolicyAttachment:RolePolicyAttachment::cluster-cluster-instanceRole-0',
  'aws:iam/role:Role$aws:iam/rolePolicyAttachment:RolePolicyAttachment::cluster-cluster-instanceRole-1',
  'aws:iam/role:Role$aws:iam/rolePolicyAttachment:RolePolicyAttachment::cluster-cluster-instanceRole-2',
  'aws:iam/role:Role::cluster-cluster-eksRole',
  'aws:iam/role:Role::cluster-cluster-instanceRole',
  'pulumi:providers:kubernetes::cluster-cluster-provider',
];

/**
 * In a preview the stand-in for AWS answers `vpcConfig` without the group that EKS adds, so the program reads nothing there; a real
 * provider says that it is unknown.
 */
const unseenByStandIn = ['redis-cache-from-nodes', 'redis-state-from-nodes'].flatMap((name) => [
  `${name} /referencedSecurityGroupId: "\${cluster-cluster-eksCluster.vpcConfig.clusterSecurityGroupId}" but undefined`,
  ...['dependency', 'dependency of referencedSecurityGroupId'].flatMap((what) =>
    ['eks:index:Cluster$aws:eks/cluster:Cluster::cluster-cluster-eksCluster', 'eks:index:Cluster::cluster-cluster'].map(
      (urn) => `${name} ${what} only in the render: ${urn}`,
    ),
  ),
]);

interface Preview {
  readonly steps: { urn: string; newState?: EngineState }[];
}

describe('a render', function () {
  this.timeout(2 * commandTimeoutMs);
  if (findProgram(currentHost(), 'pulumi') === undefined) {
    it('skipped: no pulumi engine on the PATH');
    return;
  }

  for (const environment of ['dev', 'prod']) {
    it(`is what the engine previews for ${environment}, resource for resource`, async function () {
      const project = new PulumiProject();
      try {
        await initStack(project, environment);
        const pin = await project.pin(environment);
        const answer = await pulumi(project, environment, 'preview', '--json');
        if (lacksAccount(answer)) this.skip();
        assert.equal(answer.code, 0, answer.output.slice(-2000));
        const { steps } = JSON.parse(answer.output) as Preview;
        const graph = await readKeptGraph(project.places, pin.render);
        assert.ok(graph !== undefined);
        compare(environment, graph, new Map(steps.map((step) => [step.urn, step.newState ?? ({} as EngineState)])));
      } finally {
        project.remove();
      }
    });
  }
});

function compare(environment: string, graph: readonly GraphResource[], states: ReadonlyMap<string, EngineState>): void {
  const prefix = `urn:pulumi:${environment}::orrery::`;
  const isChild = (urn: string) => urn.startsWith(`${prefix}${clusterTypes}`);
  const childrenOf = (urns: Iterable<string>) =>
    [...urns].filter(isChild).map((urn) => urn.slice(prefix.length + clusterTypes.length));
  const rendered = graph.map(({ urn }) => urn);
  assert.deepEqual(childrenOf(rendered).sort(), childrenOfSource);
  const previewed = childrenOf(states.keys()).sort();
  const imitated = previewed.length !== childrenOfSource.length;
  assert.deepEqual(previewed, imitated ? childrenOfImitation : childrenOfSource);
  const isCompared = (urn: string) => !imitated || !isChild(urn);
  assert.deepEqual(rendered.filter(isCompared).sort(), [...states.keys()].filter(isCompared).sort());
  const comparison = new PreviewComparison();
  const differences = graph
    .filter(({ urn }) => isCompared(urn))
    .flatMap((resource) => {
      const state = states.get(resource.urn);
      assert.ok(state !== undefined);
      return comparison
        .differences(resource, state)
        .map((line) => `${resource.name} ${line.replace(/urn:pulumi:.*?ControlPlane\$/, '')}`);
    });
  assert.deepEqual(differences.sort(), unseenByStandIn.toSorted());
}
