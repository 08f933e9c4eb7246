import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readKeptGraph } from '#stacks/render/pinned.ts';
import { currentHost, findProgram } from '#stacks/setup/host.ts';
import { initStack, pulumi } from '#test/engine/engine.ts';
import { changesOf, operate, type Operation } from '#test/engine/operation.ts';
import { isCloudOfFiles } from '#test/engine/plugins.ts';
import { CloudFile } from '#test/engine/standin/cloud-file.ts';
import { fetchDefinitions } from '#test/support/crds.ts';
import { PulumiProject } from '#test/support/pulumi-project.ts';
import { BorrowedCluster } from './cluster.ts';
import { isNamespace, objectsOf, podsOf, titleOf, type KubernetesObject } from './objects.ts';
import { planted } from './planted.ts';

/**
 * What `dev` asks of a Kubernetes, asked of a real one: schemas, defaults, rules in CEL, pod security and quotas judge it. No operator
 * and no node of ours runs there, so what admitted objects then do is not seen.
 */
describe('the platform on a real Kubernetes', function () {
  this.timeout(600_000);
  const kubeconfig = process.env['KUBECONFIG'] ?? '';
  if (kubeconfig === '' || findProgram(currentHost(), 'kubectl') === undefined) {
    it('skipped: no KUBECONFIG, or no kubectl on the PATH');
    return;
  }

  let cluster: BorrowedCluster;
  let objects: KubernetesObject[];
  let definitions: ReadonlySet<string> = new Set();
  let namespace: string;

  before(async () => {
    cluster = new BorrowedCluster(kubeconfig);
    objects = await renderedObjects();
    const namespaces = await cluster.names('namespaces');
    const taken = objects.filter((object) => isNamespace(object) && namespaces.has(object.metadata.name));
    assert.deepEqual(taken.map(titleOf), [], 'the cluster is in use: give one without these namespaces');
    namespace = objects.find(isRestricted)?.metadata.name ?? assert.fail('no namespace is restricted');
    const fetched = await fetchDefinitions();
    if (fetched === undefined) {
      say('no Go on the PATH, so no custom resource is checked');
      return;
    }
    definitions = await cluster.define(fetched.files);
    say(`${fetched.files.length} custom resource definitions`);
    if (fetched.missing.length > 0) say(`not to be had: ${fetched.missing.join(', ')}`);
  });
  after(() => cluster.giveBack());

  async function renderedObjects(): Promise<KubernetesObject[]> {
    const project = new PulumiProject();
    try {
      const { render } = await project.pin('dev');
      return objectsOf((await readKeptGraph(project.places, render)) ?? []);
    } finally {
      project.remove();
    }
  }

  it('takes every object of dev, by server-side apply', async () => {
    const startedMs = performance.now();
    const refused = new Map([
      ...(await cluster.apply(objects.filter(isNamespace), { dryRun: false })),
      ...(await cluster.apply(
        objects.filter((object) => !isNamespace(object)),
        { dryRun: false },
      )),
    ]);
    const unknown = [...refused].filter(([, refusal]) => refusal.isUnknownKind).map(([title]) => title);
    const real = [...refused].filter(([, refusal]) => !refusal.isUnknownKind);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    say(`${objects.length - unknown.length} of ${objects.length} objects asked in ${seconds} s`);
    if (unknown.length > 0) say(`not checked, no definition: ${unknown.toSorted().join(', ')}`);
    assert.deepEqual(
      real.map(([title, { message }]) => `${title}: ${message}`),
      [],
    );
  });

  it('admits the pods of every workload: pod security, quotas, accounts', async () => {
    const refused = await cluster.apply(podsOf(objects), { dryRun: true });
    assert.deepEqual(
      [...refused].map(([title, { message }]) => `${title}: ${message}`),
      [],
    );
    say(`${podsOf(objects).length} pods admitted`);
  });

  for (const { title, needs, object, refusal } of planted) {
    it(`refuses ${title}`, async function () {
      if (needs !== undefined && !definitions.has(needs)) this.skip();
      const refused = await cluster.refusalOf(object(namespace), { dryRun: true });
      assert.match(refused?.message ?? 'it was admitted', refusal);
    });
  }

  it('comes up on it by the engine, finds nothing to change then, and goes again', async function () {
    if (findProgram(currentHost(), 'pulumi') === undefined || !isCloudOfFiles()) this.skip();
    const project = new PulumiProject(kubeconfig);
    const cloud = new CloudFile(join(project.folder, 'cloud', 'kubernetes.json'));
    const done = async (...words: string[]): Promise<Operation> => {
      const operation = await operate(project, 'dev', ...words);
      assert.equal(operation.code, 0, operation.output.slice(-3000));
      return operation;
    };
    try {
      await initStack(project, 'dev');
      await project.pin('dev');
      const up = await done('up', '--yes');
      const made = Object.values(cloud.entries).map(({ props }) => props as Partial<KubernetesObject>);
      // Helm releases stand in the file only.
      cluster.owe(made.filter((props): props is KubernetesObject => props.metadata !== undefined));
      say(`up: ${up.seconds.toFixed(1)} s with its preview, ${up.finished.length} resources`);
      assert.deepEqual(changesOf((await done('preview')).begun), []);
      assert.deepEqual(kubernetesChanges(await done('refresh', '--yes', '--skip-preview')), []);
      assert.equal((await pulumi(project, 'dev', 'state', 'unprotect', '--all', '--yes')).code, 0);
      const destroyed = await done('destroy', '--yes', '--skip-preview');
      say(`destroy: ${destroyed.seconds.toFixed(1)} s`);
    } finally {
      project.remove();
    }
  });
});

function kubernetesChanges({ finished }: Operation): string[] {
  return changesOf(finished.filter(({ type }) => type.startsWith('kubernetes:')));
}

function isRestricted(object: KubernetesObject): boolean {
  const labels = object.metadata['labels'] as Record<string, string> | undefined;
  return isNamespace(object) && labels?.['pod-security.kubernetes.io/enforce'] === 'restricted';
}

function say(line: string): void {
  process.stdout.write(`      ${line}\n`);
}
