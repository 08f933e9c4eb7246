import assert from 'node:assert/strict';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from '#stacks/change/change.ts';
import { cloneRepository, type Clone } from '#test/support/clone.ts';

interface Created {
  readonly release: string;
}

describe('preview and diff', () => {
  let clone: Clone;
  let first: string;
  const environments = ['dev', 'kubernetes', 'prod'];

  before(async function () {
    this.timeout(240_000);
    clone = cloneRepository();
    first = await release();
    for (const environment of environments) {
      const pinned = await clone.orrery(['pin', environment, first, '--reason', 'a test']);
      assert.equal(pinned.code, 0, pinned.stderr);
    }
    clone.git('add', 'stacks');
    clone.git('commit', '--quiet', '--message', 'chore: pin every environment');
  });
  after(async () => clone.remove());

  async function release(): Promise<string> {
    const answer = await clone.orrery(['release', 'create', '--json']);
    assert.equal(answer.code, 0, answer.stderr);
    return (answer.json() as Created).release.slice(7, 19);
  }

  it('are empty for a tree that is what is pinned, in one line an environment', async function () {
    this.timeout(240_000);
    const answer = await clone.orrery(['preview']);
    assert.deepEqual(
      [answer.code, answer.stdout],
      [0, environments.map((name) => `${name}: no change (release ${first})\n`).join('\n')],
    );
    const { changes } = (await clone.orrery(['preview', '--json'])).json() as { changes: Change[] };
    assert.deepEqual(
      changes.map(({ verdict, levels }) => [verdict, Object.values(levels).flat()]),
      environments.map(() => [{ level: 'no change', reasons: [] }, []]),
    );
    const markdown = await clone.orrery(['preview', '--markdown']);
    assert.equal(
      markdown.stdout,
      `<!-- orrery:preview -->\n${environments.map((name) => `\`${name}\`: no change (release \`${first}\`)`).join(' · ')}\n`,
    );
  });

  it('are safe where a volume grows, and end unsafe where it would shrink, and say what and why', async function () {
    this.timeout(240_000);
    const settings = clone.read('Pulumi.prod.yaml');
    const previewOf = async (size: number) => {
      clone.write(
        'Pulumi.prod.yaml',
        settings.replace('registry: { volumeGiB: 10 }', `registry: { volumeGiB: ${size} }`),
      );
      const answer = await clone.orrery(['preview', 'prod', '--plain'], { env: { CI: 'true' } });
      clone.write('Pulumi.prod.yaml', settings);
      return answer;
    };
    const larger = await previewOf(20);
    assert.equal(larger.code, 0, larger.stderr);
    assert.match(larger.stdout, /^prod: [0-9a-f]{12} -> [0-9a-f]{12} \(binding .*\) {2}SAFE {2}2 changes\n/);
    assert.match(larger.stdout, /registry-volume: kubernetes:core\/v1:PersistentVolumeClaim updated\n/);
    const smaller = await previewOf(5);
    assert.equal(smaller.code, 3, smaller.stderr);
    assert.match(smaller.stdout, /^prod: .* {2}BLOCKED {2}2 changes\n/);
    assert.match(smaller.stdout, /blocked: registry-volume .* 10Gi -> 5Gi is not accepted by its API \[api-refuses\]/);
    assert.match(smaller.stdout, /settings: services\.registry\.volumeGiB: 10 -> 5/);
    assert.match(smaller.stderr, /rendering/);
  });

  it('end unsafe where the tree would replace what holds data, and say what and why', async function () {
    this.timeout(120_000);
    const source = clone.read('infra/service/volume.ts');
    clone.write('infra/service/volume.ts', source.replace("['ReadWriteOnce']", "['ReadWriteOncePod']"));
    const answer = await clone.orrery(['preview', 'prod', '--plain']);
    clone.write('infra/service/volume.ts', source);
    assert.equal(answer.code, 3, answer.stderr);
    assert.match(answer.stdout, /^prod: .* {2}BLOCKED {2}\d+ changes, .*1 stateful replaced\n/);
    assert.match(
      answer.stdout,
      /registry-volume: kubernetes:core\/v1:PersistentVolumeClaim replaced: .*protected: the engine will refuse/,
    );
  });

  it('tell a definition by its fields, between two releases, without rendering and without the store', async function () {
    this.timeout(240_000);
    clone.commit('definitions/workflows/score-day.yaml', (text) =>
      text.replace(/timeoutSeconds: \d+/, 'timeoutSeconds: 77'),
    );
    const second = await release();
    renameSync(clone.state, `${clone.state}-away`);
    const words = ['diff', first, second, '--level', 'service,definition'];
    const answer = await clone.orrery([...words, '--exit-code']);
    assert.ok(!existsSync(join(clone.state, 'store')));
    renameSync(`${clone.state}-away`, clone.state);
    assert.equal(answer.code, 1, answer.stderr);
    assert.equal(answer.stderr, '');
    assert.match(answer.stdout, /SAFE at level service, definition alone {2}2 changes/);
    assert.match(answer.stdout, /orchestrator {2}changed in definitions/);
    assert.match(answer.stdout, /timeoutSeconds: \d+ -> 77/);
    assert.equal((await clone.orrery(['diff', first, first, '--exit-code'])).code, 0);
  });

  it('compare two environments as they are, with nothing to be done', async function () {
    this.timeout(120_000);
    const change = (await clone.orrery(['diff', 'dev', 'prod', '--json'])).json() as Change;
    assert.deepEqual([change.verdict, change.stateful], [{ level: 'different', reasons: [] }, []]);
    assert.ok(change.levels.config.some(({ path }) => path === 'network.nat'));
    assert.ok((change.monthly.head?.usd ?? 0) > (change.monthly.base?.usd ?? 0));
  });

  it('name the nearest word for one that they do not know', async function () {
    this.timeout(120_000);
    const words = [
      ['diff', 'prodd', first],
      ['diff', 'dev', 'prod', '--level', 'servise'],
      ['preview', 'prd'],
    ];
    for (const [index, nearest] of ['prod', 'service', 'prod'].entries()) {
      const answer = await clone.orrery(words[index] ?? []);
      assert.equal(answer.code, 2);
      assert.match(answer.stderr, new RegExp(`did you mean "${nearest}"\\?`));
    }
    assert.equal((await clone.orrery(['preview', '--fail-on', 'nothing'])).code, 2);
    assert.equal((await clone.orrery(['diff', 'dev', 'prod', '--on', 'dev'])).code, 2);
  });

  it('show all that an environment without a pin would get', async function () {
    this.timeout(120_000);
    clone.git('rm', '--quiet', 'stacks/pins/dev.json');
    const answer = await clone.orrery(['preview', 'dev', '--json']);
    clone.git('checkout', '--quiet', 'HEAD', '--', 'stacks/pins/dev.json');
    const [change] = (answer.json() as { changes: Change[] }).changes;
    assert.equal(change?.base, null);
    assert.deepEqual(new Set(change.levels.resource.map(({ operation }) => operation)), new Set(['create']));
  });
});
