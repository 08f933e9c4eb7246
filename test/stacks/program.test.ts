import assert from 'node:assert/strict';
import { RunError } from '@pulumi/pulumi';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes, shortDigest } from '@orrery/contracts/digest';
import program from '#stacks/program.ts';
import { cloudRelease, pulumiConfig, settingsOfFile } from '#test/support/cloud-release.ts';
import { PulumiProject } from '#test/support/pulumi-project.ts';
import { record, resourceNamed, resourcesOfType, type RecordOptions } from '#test/support/pulumi.ts';

const home = process.cwd();

function failsWith(code: string) {
  return (error: unknown) => error instanceof RunError && error.message.startsWith(`${code}: `);
}

function configOf(environment: string, change: Record<string, unknown> = {}): Record<string, string> {
  return pulumiConfig({ ...settingsOfFile(environment), ...change });
}

describe('Pulumi’s entry', function () {
  this.timeout(60_000);
  let project: PulumiProject;

  function run(environment: string, options: Omit<RecordOptions, 'stack'> = {}) {
    return record(program, { config: configOf(environment), ...options, stack: environment });
  }

  beforeEach(() => {
    project = new PulumiProject();
    process.chdir(project.folder);
  });
  afterEach(() => {
    delete process.env['ORRERY_WORKING_TREE'];
    process.chdir(home);
    project.remove();
  });

  for (const environment of ['dev', 'prod']) {
    it(`deploys to ${environment} the release and the settings that are pinned`, async () => {
      const pin = await project.pin(environment);
      const recording = await run(environment);
      assert.equal(recording.result.release, pin.release);
      assert.equal(resourcesOfType(recording, 'aws:eks/nodeGroup:NodeGroup').length, 1);
      assert.equal(resourcesOfType(recording, 'kubernetes:karpenter.sh/v1:NodePool').length, 4);
      assert.equal(resourceNamed(recording, 'cluster-cluster').inputs['name'], `orrery-${environment}`);
    });
  }

  it('stops before the first pin and says which command makes one', async () => {
    await assert.rejects(
      run('dev'),
      (error) => failsWith('PIN_MISSING')(error) && (error as Error).message.includes('npx orrery pin dev RELEASE'),
    );
  });

  it('stops when the settings are not the pinned ones', async () => {
    await project.pin('dev');
    const config = configOf('dev', { gpuMax: 2 });
    await assert.rejects(
      run('dev', { config }),
      (error) =>
        failsWith('SETTINGS_NOT_PINNED')(error) && (error as Error).message.includes('gpuMax: pinned 1, configured 2'),
    );
  });

  it('stops when the pin was moved by hand: no entry of the ledger says so', async () => {
    const pin = await project.pin('dev');
    await project.pin('dev', { settings: { ...settingsOfFile('dev'), gpuMax: 2 } });
    project.write('stacks/pins/dev.json', pin);
    await assert.rejects(run('dev'), failsWith('PIN_NOT_IN_LEDGER'));
    await assert.rejects(run('dev', { preview: true }), failsWith('PIN_NOT_IN_LEDGER'));
  });

  it('deploys the infrastructure of the release, whatever this tree has become', async () => {
    await project.pin('dev');
    const file = join(project.folder, 'stacks/platform.ts');
    writeFileSync(file, readFileSync(file, 'utf8').replace("'cluster',", "'another-cluster',"));
    const recording = await run('dev');
    assert.equal(resourceNamed(recording, 'cluster-cluster').type, 'eks:index:Cluster');
  });

  it('stops when the release renders to something else than what was pinned', async () => {
    await project.pin('dev', { render: digestOfBytes('of another render') });
    await assert.rejects(run('dev'), failsWith('RENDER_DIFFERS'));
  });

  it('names resource and property when what it renders to depends on more than release and binding', async () => {
    const platform = `
      import * as random from '@pulumi/random';
      export function composePlatform() {
        new random.RandomPet('pet', { keepers: { made: String(Date.now()) } });
        return {};
      }`;
    await project.pin('dev', { platform });
    await assert.rejects(
      run('dev'),
      (error) => failsWith('RENDER_DIFFERS')(error) && (error as Error).message.includes('::pet /inputs/keepers/made:'),
    );
  });

  it('stops when a record was edited after it was pinned', async () => {
    const pin = await project.pin('dev');
    const edited = { ...cloudRelease(), live: { delay: digestOfBytes('another pair') } };
    project.write(`stacks/records/releases/${shortDigest(pin.release)}/release.json`, edited);
    await assert.rejects(run('dev'), failsWith('RECORD_CORRUPT'));
  });

  it('shows the working tree in a preview that asks for it, and never deploys it', async () => {
    await project.pin('dev');
    process.env['ORRERY_WORKING_TREE'] = '1';
    const config = configOf('dev', { gpuMax: 2 });
    const recording = await run('dev', { config, preview: true });
    assert.deepEqual(resourceNamed(recording, 'platform-gpu-quota').inputs['spec'], {
      hard: { 'requests.nvidia.com/gpu': '2' },
    });
    await assert.rejects(run('dev', { config, preview: false }), failsWith('WORKING_TREE_DEPLOYED'));
  });
});
