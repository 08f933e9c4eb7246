import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { currentHost, findProgram } from '#stacks/setup/host.ts';
import { PulumiProject } from '#test/support/pulumi-project.ts';

const run = promisify(execFile);
const commandTimeoutMs = 150_000;

interface Answer {
  readonly code: number;
  readonly output: string;
}

interface Preview {
  readonly steps: { op: string; urn: string; newState?: { type: string; protect?: boolean } }[];
}

/** Runs the engine on a project with a backend inside it, so that it touches nothing that outlives the test. */
async function pulumi(project: PulumiProject, ...args: string[]): Promise<Answer> {
  const env = {
    ...process.env,
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    PULUMI_BACKEND_URL: `file://${join(project.folder, 'backend')}`,
    PULUMI_CONFIG_PASSPHRASE: 'of a test',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    NO_COLOR: '1',
  };
  const options = { cwd: project.folder, env, timeout: commandTimeoutMs, maxBuffer: 64 * 1024 * 1024 };
  try {
    const { stdout } = await run('pulumi', [...args, '--non-interactive', '--stack', 'dev'], options);
    return { code: 0, output: stdout };
  } catch (error) {
    const failed = error as { code?: number; stdout?: string; stderr?: string };
    return { code: failed.code ?? -1, output: `${failed.stdout ?? ''}${failed.stderr ?? ''}` };
  }
}

/** A real provider of AWS wants an account even for a preview; without one there is nothing to check here. */
function lacksAccount({ output }: Answer): boolean {
  return /no valid credential|InvalidClientTokenId|failed to refresh cached credentials|no EC2 IMDS role/i.test(output);
}

describe('the program under a real engine', function () {
  this.timeout(2 * commandTimeoutMs);
  if (findProgram(currentHost(), 'pulumi') === undefined) {
    it('skipped: no pulumi engine on the PATH');
    return;
  }

  let project: PulumiProject;

  before(async () => {
    project = new PulumiProject();
    mkdirSync(join(project.folder, 'backend'));
    const made = await run('pulumi', ['stack', 'init', 'dev', '--non-interactive'], {
      cwd: project.folder,
      env: {
        ...process.env,
        PULUMI_BACKEND_URL: `file://${join(project.folder, 'backend')}`,
        PULUMI_CONFIG_PASSPHRASE: 'of a test',
      },
    });
    assert.match(`${made.stdout}${made.stderr}`, /dev/);
  });
  after(() => project.remove());

  it('says which command makes a pin when there is none', async () => {
    const { code, output } = await pulumi(project, 'preview');
    assert.notEqual(code, 0);
    assert.match(output, /PIN_MISSING/);
    assert.match(output, /npx orrery pin dev RELEASE/);
  });

  it('previews a network, a cluster with three pools, the data stores and both services', async function () {
    const pin = await project.pin('dev');
    const answer = await pulumi(project, 'preview', '--json');
    if (lacksAccount(answer)) this.skip();
    assert.equal(answer.code, 0, answer.output.slice(-2000));
    const { steps } = JSON.parse(answer.output) as Preview;
    const count = (type: string) => steps.filter(({ newState }) => newState?.type === type).length;
    assert.ok(steps.every(({ op }) => op === 'create'));
    assert.deepEqual(
      {
        subnets: count('aws:ec2/subnet:Subnet'),
        clusters: count('eks:index:Cluster'),
        pools: count('aws:eks/nodeGroup:NodeGroup'),
        valkeys: count('aws:elasticache/replicationGroup:ReplicationGroup'),
        buckets: count('aws:s3/bucket:Bucket'),
        databases: count('kubernetes:apps/v1:StatefulSet'),
        deployments: count('kubernetes:apps/v1:Deployment'),
      },
      { subnets: 6, clusters: 1, pools: 3, valkeys: 2, buckets: 1, databases: 1, deployments: 2 },
    );
    assert.ok(answer.output.includes(pin.release));
    const bucket = steps.find(({ newState }) => newState?.type === 'aws:s3/bucket:Bucket');
    assert.equal(bucket?.newState?.protect, true);
  });

  it('stops when Pulumi.dev.yaml says something that nobody pinned', async () => {
    await project.pin('dev');
    const changed = await pulumi(project, 'config', 'set', 'orrery:gpuMax', '2');
    assert.equal(changed.code, 0, changed.output);
    const { code, output } = await pulumi(project, 'preview');
    assert.notEqual(code, 0);
    assert.match(output, /SETTINGS_NOT_PINNED/);
    assert.match(output, /gpuMax: pinned 1, configured 2/);
  });
});
