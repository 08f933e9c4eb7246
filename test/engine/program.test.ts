import assert from 'node:assert/strict';
import { currentHost, findProgram } from '#stacks/setup/host.ts';
import { PulumiProject } from '#test/support/pulumi-project.ts';
import { commandTimeoutMs, initStack, lacksAccount, pulumi } from './engine.ts';

interface Preview {
  readonly steps: { op: string; urn: string; newState?: { type: string; protect?: boolean } }[];
}

/** One kind for each layer of a cloud. */
const expected = [
  'aws:kms/key:Key',
  'aws:ec2/subnet:Subnet',
  'eks:index:Cluster',
  'aws:eks/nodeGroup:NodeGroup',
  'kubernetes:core/v1:Namespace',
  'aws:elasticache/replicationGroup:ReplicationGroup',
  'aws:s3/bucket:Bucket',
  'kubernetes:apps/v1:Deployment',
];

describe('the program under a real engine', function () {
  this.timeout(2 * commandTimeoutMs);
  if (findProgram(currentHost(), 'pulumi') === undefined) {
    it('skipped: no pulumi engine on the PATH');
    return;
  }

  let project: PulumiProject;

  before(async () => {
    project = new PulumiProject();
    await initStack(project, 'dev');
  });
  after(() => project.remove());

  it('says which command makes a pin when there is none', async () => {
    const { code, output } = await pulumi(project, 'dev', 'preview');
    assert.notEqual(code, 0);
    assert.match(output, /PIN_MISSING/);
    assert.match(output, /npx orrery pin dev RELEASE/);
  });

  it('previews every layer: key, network, cluster, nodes, namespaces, data, services', async function () {
    const pin = await project.pin('dev');
    const answer = await pulumi(project, 'dev', 'preview', '--json');
    if (lacksAccount(answer)) this.skip();
    assert.equal(answer.code, 0, answer.output.slice(-2000));
    const { steps } = JSON.parse(answer.output) as Preview;
    const types = new Set(steps.map(({ newState }) => newState?.type ?? ''));
    assert.ok(steps.every(({ op }) => op === 'create'));
    assert.deepEqual(
      expected.filter((type) => !types.has(type)),
      [],
    );
    assert.ok(answer.output.includes(pin.release));
    const buckets = steps.filter(({ newState }) => newState?.type === 'aws:s3/bucket:Bucket');
    assert.ok(buckets.some(({ newState }) => newState?.protect === true));
  });

  it('stops when Pulumi.dev.yaml says something that nobody pinned', async () => {
    await project.pin('dev');
    const changed = await pulumi(project, 'dev', 'config', 'set', 'orrery:gpuMax', '2');
    assert.equal(changed.code, 0, changed.output);
    const { code, output } = await pulumi(project, 'dev', 'preview');
    assert.notEqual(code, 0);
    assert.match(output, /SETTINGS_NOT_PINNED/);
    assert.match(output, /gpuMax: pinned 1, configured 2/);
  });
});
