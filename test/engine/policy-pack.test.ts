import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { currentHost, findProgram } from '#stacks/setup/host.ts';
import { ROOT } from '#test/architecture/tree.ts';
import { enginePath } from './plugins.ts';

const run = promisify(execFile);
const commandTimeoutMs = 150_000;

const head = `
import * as aws from '@pulumi/aws';
const tags = { project: 'orrery', environment: 'dev', owner: 'platform', 'cost-center': 'x', 'managed-by': 'pulumi' };
const provider = new aws.Provider('aws', { region: 'eu-west-1', defaultTags: { tags } });
const key = new aws.kms.Key('key', { enableKeyRotation: true }, { provider, protect: true });
`;
const clean = `${head}
new aws.cloudwatch.LogGroup('logs', { kmsKeyId: key.arn, retentionInDays: 30 }, { provider });
`;
/** By rules of one resource, which judge before it is made. */
const plain = `${head}
new aws.cloudwatch.LogGroup('logs', { retentionInDays: 0 }, { provider });
`;
/** By a rule of the whole graph: the bucket's parts are missing. */
const alone = `${head}
new aws.s3.Bucket('store-bucket', { objectLockEnabled: true }, { provider, protect: true });
`;

describe('the policies in a real engine', function () {
  this.timeout(4 * commandTimeoutMs);
  if (findProgram(currentHost(), 'pulumi') === undefined) {
    it('skipped: no pulumi engine on the PATH');
    return;
  }

  const folder = mkdtempSync(join(tmpdir(), 'orrery-pack-'));
  before(async () => {
    mkdirSync(join(folder, 'backend'));
    mkdirSync(join(folder, 'cloud'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "main": "program.mjs" }');
    writeFileSync(
      join(folder, 'Pulumi.yaml'),
      'name: orrery\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n',
    );
    await pulumi('stack', 'init', 'dev');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('let a program pass that breaks none', async () => {
    const { code, output } = await preview(clean);
    assert.equal(code, 0, output.slice(-2000));
    assert.match(output, /orrery@v\d/);
  });

  it('refuse a resource that breaks one, with what is wrong and what to do', async () => {
    const { code, output } = await preview(plain);
    assert.notEqual(code, 0);
    assert.match(output, /\[mandatory\]\s+logs-kept/);
    assert.match(output, /retentionInDays = 0: must be 1 or more/);
    assert.match(output, /To do: make the group before the service does/);
  });

  it('refuse a resource without a preview too, before it is made', async () => {
    writeFileSync(join(folder, 'program.mjs'), plain);
    const { code, output } = await pulumi('up', '--skip-preview', '--yes', ...pack);
    assert.notEqual(code, 0);
    assert.match(output, /\[mandatory\]\s+logs-kept/);
    assert.doesNotMatch(output, /LogGroup.* logs created/);
  });

  it('refuse a whole that lacks a part', async () => {
    const { code, output } = await preview(alone);
    assert.notEqual(code, 0);
    assert.match(output, /\[mandatory\]\s+buckets-closed/);
    assert.match(output, /aws:s3\/bucket:Bucket store-bucket: publicAccessBlock = nothing/);
  });

  const pack = ['--policy-pack', join(ROOT, 'policies', 'crossguard')];

  function preview(program: string): Promise<{ code: number; output: string }> {
    writeFileSync(join(folder, 'program.mjs'), program);
    return pulumi('preview', ...pack);
  }

  async function pulumi(...words: string[]): Promise<{ code: number; output: string }> {
    const env = {
      ...process.env,
      PATH: enginePath(),
      PULUMI_BACKEND_URL: `file://${join(folder, 'backend')}`,
      PULUMI_CONFIG_PASSPHRASE: 'of a test',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      STANDIN_CLOUD: join(folder, 'cloud'),
      NO_COLOR: '1',
    };
    const stack = words[0] === 'stack' ? [] : ['--stack', 'dev'];
    const options = { cwd: folder, env, timeout: commandTimeoutMs, maxBuffer: 16 * 1024 * 1024 };
    try {
      const { stdout, stderr } = await run('pulumi', [...words, '--non-interactive', ...stack], options);
      return { code: 0, output: `${stdout}${stderr}` };
    } catch (error) {
      const failed = error as { code?: number; stdout?: string; stderr?: string };
      return { code: failed.code ?? -1, output: `${failed.stdout ?? ''}${failed.stderr ?? ''}` };
    }
  }
});
