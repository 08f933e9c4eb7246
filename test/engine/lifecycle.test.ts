import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { currentHost, findProgram } from '#stacks/setup/host.ts';
import { nameOfUrn } from '#stacks/render/symbols.ts';
import { settingsOfFile } from '#test/support/cloud-release.ts';
import { PulumiProject } from '#test/support/pulumi-project.ts';
import { commandTimeoutMs, initStack, pulumi } from './engine.ts';
import { changesOf, countOps, operate, type Operation, type Step } from './operation.ts';
import { isCloudOfFiles } from './plugins.ts';
import { CloudFile } from './standin/cloud-file.ts';

const environment = 'dev';

interface Kept {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly protect?: boolean;
  readonly retainOnDelete?: boolean;
}

/**
 * One environment from its first preview to its end. What it proves is the program's and the engine's: order, stability, what an edit
 * touches. AWS's own refusals (a cluster under deletion protection, a bucket that is not empty) are not seen by a cloud of files.
 */
describe('the life of an environment under a real engine', function () {
  this.timeout(4 * commandTimeoutMs);
  if (findProgram(currentHost(), 'pulumi') === undefined) {
    it('skipped: no pulumi engine on the PATH');
    return;
  }
  if (!isCloudOfFiles()) {
    it('skipped: a provider on the PATH is a real one, and this makes and destroys an environment');
    return;
  }

  let project: PulumiProject;
  const cloud = (name: string) => new CloudFile(join(project.folder, 'cloud', `${name}.json`));
  const run = (...words: string[]) => operate(project, environment, ...words);
  async function done(...words: string[]): Promise<Operation> {
    const operation = await run(...words);
    assert.equal(operation.code, 0, operation.output.slice(-3000));
    return operation;
  }

  before(async () => {
    project = new PulumiProject();
    await initStack(project, environment);
    await project.pin(environment);
  });
  after(() => project.remove());

  it('previews nothing but creations', async () => {
    const preview = await done('preview');
    assert.deepEqual(Object.keys(countOps(preview.begun)), ['create']);
    tell('preview', preview, `${preview.begun.length} resources to create`);
  });

  it('comes up at once, whole', async () => {
    const up = await done('up', '--yes', '--skip-preview');
    assert.deepEqual(Object.keys(countOps(up.finished)), ['create']);
    assert.equal(up.finished.length, up.begun.length);
    assert.ok(up.finished.length > 100);
    tell('up', up, `${up.finished.length} resources`);
  });

  it('has nothing to change in a second preview', async () => {
    const preview = await done('preview');
    assert.deepEqual(changesOf(preview.begun), []);
    tell('preview', preview, 'no changes');
  });

  it('shows by a refresh what someone changed by hand and nothing else, and mends it', async () => {
    cloud('aws').edit('aws:ec2/vpc:Vpc', 'network-vpc', (props) => ({ ...props, enableDnsHostnames: false }));
    cloud('kubernetes').edit('kubernetes:core/v1:Service', 'scoring-service', (props) => ({
      ...props,
      spec: { ...(props['spec'] as object), type: 'LoadBalancer' },
    }));
    const budget = cloud('kubernetes').edit(
      'kubernetes:policy/v1:PodDisruptionBudget',
      'scoring-budget',
      (props) => props,
    );
    cloud('kubernetes').remove(budget.tok, budget.id);
    const refresh = await done('refresh', '--yes', '--skip-preview');
    const planted = ['delete scoring-budget', 'update network-vpc', 'update scoring-service'];
    assert.deepEqual(changesOf(refresh.finished), planted);
    const mended = await done('up', '--yes', '--skip-preview');
    assert.deepEqual(changesOf(mended.finished), [
      'create scoring-budget',
      'update network-vpc',
      'update scoring-service',
    ]);
    assert.deepEqual(changesOf((await done('preview')).begun), []);
    tell('refresh', refresh, 'found the 3 planted drifts');
  });

  it('takes another tag and another range for the API in place: nothing is replaced', async () => {
    await editSettings({ '203.0.113.0/24': '198.51.100.0/24', research: 'discovery' });
    const up = await done('up', '--yes');
    assert.deepEqual(Object.keys(countOps(up.finished)).toSorted(), ['same', 'update']);
    const updated = up.finished.filter(({ op }) => op === 'update').map(({ type }) => type);
    assert.ok(updated.includes('aws:eks/cluster:Cluster') && updated.includes('pulumi:providers:aws'), updated.join());
    tell('up', up, `${updated.length} updated in place`);
  });

  /** Puts other values in the place of some, in the file and in what is pinned. */
  async function editSettings(edits: Readonly<Record<string, string>>): Promise<void> {
    const edit = (text: string) =>
      Object.entries(edits).reduce((edited, [from, to]) => edited.replaceAll(from, to), text);
    const file = join(project.folder, `Pulumi.${environment}.yaml`);
    const text = readFileSync(file, 'utf8');
    for (const value of Object.keys(edits)) assert.ok(text.includes(value), value);
    writeFileSync(file, edit(text));
    const settings = JSON.parse(edit(JSON.stringify(settingsOfFile(environment)))) as Record<string, unknown>;
    await project.pin(environment, { settings });
  }

  it('refuses to be destroyed while data is protected, and destroys nothing', async () => {
    const before = await keptResources();
    const refused = await run('destroy', '--yes');
    assert.notEqual(refused.code, 0);
    const protectedOnes = before.filter(({ protect }) => protect === true).map(({ urn }) => urn);
    assert.ok(protectedOnes.some((urn) => refused.output.includes(`${urn}" cannot be deleted`)));
    assert.match(refused.output, /pulumi state unprotect/);
    assert.deepEqual(await keptResources(), before);
  });

  it('goes in order once it is unprotected: objects, then nodes and cluster, then the network; data stays and is told', async () => {
    const before = await keptResources();
    const unprotected = await pulumi(project, environment, 'state', 'unprotect', '--all', '--yes');
    assert.equal(unprotected.code, 0, unprotected.output);
    const destroyed = await done('destroy', '--yes');
    const deleted = (types: RegExp) => ({
      begun: placesOf(destroyed.begun, types),
      finished: placesOf(destroyed.finished, types),
    });
    const objects = deleted(/^kubernetes:/);
    const nodes = deleted(/^aws:eks\/nodeGroup:/);
    const cluster = deleted(/^aws:eks\/cluster:/);
    const network = deleted(/^aws:ec2\/(subnet|vpc|natGateway|internetGateway):/);
    assert.ok(Math.max(...objects.finished) < Math.min(...cluster.begun), 'objects go before the cluster');
    assert.ok(Math.max(...objects.finished) < Math.min(...nodes.begun), 'objects go before the nodes');
    assert.ok(Math.max(...nodes.finished) < Math.min(...network.begun), 'nodes go before the network');
    assert.ok(Math.max(...cluster.finished) < Math.min(...network.begun), 'the cluster goes before the network');

    const retained = before.filter(({ retainOnDelete }) => retainOnDelete === true);
    const left = ['aws', 'kubernetes', 'random'].flatMap((name) => Object.values(cloud(name).entries));
    assert.deepEqual(left.map(({ urn }) => urn).toSorted(), retained.map(({ urn }) => urn).toSorted());
    for (const { urn } of retained) {
      assert.match(destroyed.output, new RegExp(` ${nameOfUrn(urn)} deleted \\([^)]*\\)\\[retain\\]`));
    }
    tell('destroy', destroyed, `${retained.length} retained: ${retained.map(({ urn }) => nameOfUrn(urn)).join(', ')}`);
  });

  async function keptResources(): Promise<Kept[]> {
    const file = join(project.folder, 'export.json');
    const { code, output } = await pulumi(project, environment, 'stack', 'export', '--file', file);
    assert.equal(code, 0, output);
    const { deployment } = JSON.parse(readFileSync(file, 'utf8')) as { deployment: { resources: Kept[] } };
    return deployment.resources.map(({ urn, type, protect, retainOnDelete }) => ({
      urn,
      type,
      ...(protect === true ? { protect } : {}),
      ...(retainOnDelete === true ? { retainOnDelete } : {}),
    }));
  }
});

/** In which order the engine came to deletions of some types. */
function placesOf(steps: readonly Step[], types: RegExp): number[] {
  const places = steps.filter(({ op, type }) => op === 'delete' && types.test(type)).map(({ at }) => at);
  assert.ok(places.length > 0, `nothing of ${types.source} was deleted`);
  return places;
}

function tell(what: string, { seconds }: Operation, outcome: string): void {
  process.stdout.write(`      ${what}: ${seconds.toFixed(1)} s, ${outcome}\n`);
}
