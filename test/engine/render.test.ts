import assert from 'node:assert/strict';
import { currentHost, findProgram } from '#stacks/setup/host.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { readKeptGraph } from '#stacks/render/pinned.ts';
import { PulumiProject } from '#test/support/pulumi-project.ts';
import { commandTimeoutMs, initStack, lacksAccount, pulumi } from './engine.ts';
import { PreviewComparison, type EngineState } from './preview.ts';

const clusterTypes = 'orrery:cluster:ControlPlane$eks:index:Cluster$';

/** What the provider's own source makes of the cluster; seen URN for URN with a provider that was built from it. */
const childrenOfCluster = [
  'aws:eks/cluster:Cluster::cluster-cluster-eksCluster',
  'eks:index:ServiceRole$aws:iam/role:Role::cluster-cluster-eksRole-role',
  'eks:index:ServiceRole$aws:iam/rolePolicyAttachment:RolePolicyAttachment::cluster-cluster-eksRole-4b490823',
  'eks:index:ServiceRole::cluster-cluster-eksRole',
  'pulumi:providers:kubernetes::cluster-cluster-eks-k8s',
];

/** The group that EKS adds to a cluster: an output that is known only once the cluster stands. */
const groupOfCluster = '${cluster-cluster-eksCluster.vpcConfig.clusterSecurityGroupId}';

/** Of a document the beginning is enough to find it. */
const lineMax = 600;

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
  const rendered = graph.map(({ urn }) => urn);
  const children = rendered.filter((urn) => urn.startsWith(`${prefix}${clusterTypes}`));
  assert.deepEqual(children.map((urn) => urn.slice(prefix.length + clusterTypes.length)).sort(), childrenOfCluster);
  assert.deepEqual(rendered.toSorted(), [...states.keys()].sort());
  const comparison = new PreviewComparison();
  const differences = graph.flatMap((resource) => {
    const state = states.get(resource.urn);
    assert.ok(state !== undefined);
    const told = comparison.differences(resource, state);
    return (isUnseenByStandIn(told) ? [] : told).map((line) => `${resource.name} ${line.slice(0, lineMax)}`);
  });
  assert.deepEqual(differences, []);
}

/**
 * In a preview a stand-in for AWS may answer `vpcConfig` without the group that EKS adds; a real provider says that it is unknown. Then
 * the program reads nothing there, and whatever follows from the group has one difference for it and the others for its dependencies.
 */
function isUnseenByStandIn(told: readonly string[]): boolean {
  const unread = told.filter((line) => {
    const [ours = '', theirs = ''] = line.slice(line.indexOf(': ') + 2).split(' but ');
    return ours.includes(groupOfCluster) && unquoted(ours).replaceAll(groupOfCluster, 'undefined') === unquoted(theirs);
  });
  const others = told.filter((line) => !unread.includes(line));
  return unread.length > 0 && others.every((line) => /^dependency .*only in the render: .*cluster-cluster/.test(line));
}

function unquoted(text: string): string {
  return text.replace(/^"([^"]*)"$/, '$1');
}
