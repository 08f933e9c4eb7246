import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { digestOf } from '@orrery/contracts/digest';
import { readRelease, recordRelease } from '#stacks/release/records.ts';
import { cloneRepository, type Clone } from '#test/support/clone.ts';

interface Created {
  readonly release: string;
  readonly services: Record<string, { own: string; closure: string }>;
}

describe('releases', () => {
  let clone: Clone;
  let created: Created;

  before(async function () {
    this.timeout(120_000);
    clone = cloneRepository();
    created = await create(clone);
  });
  after(async () => clone.remove());

  async function create(from: Clone, env: Record<string, string> = {}, ...words: string[]): Promise<Created> {
    const answer = await from.orrery(['release', 'create', '--json', ...words], { env });
    assert.equal(answer.code, 0, answer.stderr);
    return answer.json() as Created;
  }

  it('give the same commit the same digest in another clone, time zone, locale, home and clock', async function () {
    this.timeout(120_000);
    const folder = join(mkdtempSync(join(tmpdir(), 'orrery-elsewhere-')), 'a much longer path, with blanks');
    mkdirSync(folder);
    const home = join(folder, 'home');
    mkdirSync(home);
    const other = cloneRepository(folder);
    const again = await create(other, { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'C', HOME: home });
    assert.deepEqual([again.release, again.services], [created.release, created.services]);
    await other.remove();
    rmSync(dirname(folder), { recursive: true });
  });

  it('rebuild to the same digest under another clock, with the binding and the render of another clone', async function () {
    this.timeout(180_000);
    const shift = join(import.meta.dirname, '..', 'support', 'shifted-clock.ts');
    const folder = join(mkdtempSync(join(tmpdir(), 'orrery-later-')), 'someone else');
    mkdirSync(folder);
    const other = cloneRepository(folder);
    const env = {
      NODE_OPTIONS: `--import ${shift}`,
      USER: 'someone',
      LOGNAME: 'someone',
      HOME: folder,
      ORRERY_ACTOR: 'someone',
    };
    const pins: unknown[] = [];
    for (const [one, given] of [
      [clone, {}],
      [other, env],
    ] as const) {
      const made = await create(one, given);
      for (const environment of ['dev', 'prod']) {
        const pinned = await one.orrery(['pin', environment, made.release, '--json'], { env: given });
        assert.equal(pinned.code, 0, pinned.stderr);
        pins.push((pinned.json() as { to: unknown }).to);
      }
    }
    assert.deepEqual(pins.slice(2), pins.slice(0, 2));
    const entry = JSON.parse(other.read('stacks/records/ledger/dev/000001.json')) as { at: string; actor: string };
    assert.deepEqual([entry.at.slice(0, 4), entry.actor], ['2036', 'someone'], 'the clock was not another');
    // The builder is a process with an environment of its own: here it runs under the other clock itself.
    const out = join(folder, 'out');
    const words = ['--disable-warning=ExperimentalWarning', '--import', shift, 'stacks/release/build.ts', out];
    const built = spawnSync(process.execPath, words, { cwd: other.root, encoding: 'utf8' });
    assert.equal(built.status, 0, built.stderr);
    const release: unknown = JSON.parse(readFileSync(join(out, 'release.json'), 'utf8'));
    assert.equal(digestOf('release', release), created.release);
    await other.remove();
    rmSync(dirname(folder), { recursive: true });
    for (const path of ['stacks/pins', 'stacks/records/ledger', 'stacks/records/bindings'])
      rmSync(join(clone.root, path), { recursive: true });
  });

  it('record nothing of time, path or person in the manifest', () => {
    const folder = join(clone.root, 'stacks/records/releases');
    const [name = ''] = readdirSync(folder);
    assert.equal(name, created.release.slice(7, 19));
    const manifest = clone.read(`stacks/records/releases/${name}/release.json`);
    assert.doesNotMatch(manifest, /orrery-clone|createdAt|actor|commit/);
    assert.match(clone.read(`stacks/records/releases/${name}/provenance.json`), /"commit"/);
  });

  it('are made once: making one again changes nothing', async () => {
    const before = clone.git('status', '--porcelain');
    const again = await create(clone);
    assert.equal(again.release, created.release);
    assert.equal(clone.git('status', '--porcelain'), before);
  });

  it('are not made of a dirty tree, which is named, and of HEAD on request', async () => {
    clone.write('services/scoring/src/config.ts', `${clone.read('services/scoring/src/config.ts')}\n// an edit\n`);
    const refused = await clone.orrery(['release', 'create']);
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /services\/scoring\/src\/config\.ts[\s\S]*--commit HEAD/);
    assert.equal((await create(clone, {}, '--commit', 'HEAD')).release, created.release);
    clone.git('checkout', '--', 'services/scoring/src/config.ts');
  });

  it('name what is wrong in a broken definition, and leave nothing behind', async () => {
    const file = 'definitions/workflows/score-day.yaml';
    clone.commit(file, (text) => text.replace('needs: [features]', 'neds: [features]'));
    const before = readdirSync(join(clone.root, 'stacks/records/releases'));
    const refused = await clone.orrery(['release', 'create']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /definitions\/workflows\/score-day\.yaml:\d+:\d+ .*neds[\s\S]*needs/);
    assert.deepEqual(readdirSync(join(clone.root, 'stacks/records/releases')), before);
    assert.deepEqual(readdirSync(join(clone.state, 'build')), []);
    clone.git('reset', '--quiet', '--hard', 'HEAD~1');
  });

  it('differ exactly in the services whose source differs, and in those that depend on them', async () => {
    clone.commit(
      'services/features/src/config.ts',
      (text) => `${text}\nexport const unusedMark = 'kept out by tree shaking';\n`,
    );
    const unused = await create(clone);
    assert.equal(unused.services['features']?.own, created.services['features']?.own);
    clone.commit('services/scoring/src/config.ts', (text) => text.replace(/default: 2/, 'default: 4'));
    const changed = await create(clone);
    const differing = Object.keys(changed.services).filter(
      (name) => changed.services[name]?.own !== created.services[name]?.own,
    );
    assert.deepEqual(differing, ['scoring']);
    clone.git('reset', '--quiet', '--hard', 'HEAD~2');
  });

  it('are whole, until a byte of the store is changed, which is named; what is missing is rebuilt from its commit', async function () {
    this.timeout(120_000);
    const whole = await clone.orrery(['release', 'verify', created.release, '--closure']);
    assert.equal(whole.code, 0, whole.stdout + whole.stderr);
    assert.match(whole.stdout, /is whole$/m);
    const manifest = JSON.parse(clone.read(`stacks/records/releases/${created.release.slice(7, 19)}/release.json`)) as {
      services: Record<string, { bundle: string }>;
    };
    const hex = (manifest.services['scoring']?.bundle ?? '').slice(7);
    const object = join(clone.state, 'store', 'sha256', hex.slice(0, 2), hex);
    chmodSync(object, 0o644);
    writeFileSync(object, 'tampered');
    assert.equal((await clone.orrery(['release', 'verify', created.release])).code, 0, 'the manifest is what it was');
    const broken = await clone.orrery(['release', 'verify', created.release, '--closure']);
    assert.equal(broken.code, 3);
    assert.match(broken.stdout, /the bundle of scoring: the object sha256:[0-9a-f]+ holds other bytes/);
    const audited = await clone.orrery(['audit', 'verify', '--rebuild']);
    assert.equal(audited.code, 3);
    assert.match(audited.stdout, new RegExp(`expected sha256:${hex}, found sha256:[0-9a-f]{64}, first at byte 0`));
    rmSync(object);
    const missing = await clone.orrery(['release', 'verify', created.release, '--closure']);
    assert.match(missing.stdout, new RegExp(`the bundle of scoring: the store has no object sha256:${hex}`));
    const rebuilt = await clone.orrery(['release', 'verify', created.release, '--rebuild']);
    assert.equal(rebuilt.code, 0, rebuilt.stdout + rebuilt.stderr);
    assert.ok(existsSync(object));
  });

  it('rebuild, all of them, from the commits that made them; one that does not is told with the place', async function () {
    this.timeout(120_000);
    const all = await clone.orrery(['release', 'verify', '--all', '--rebuild']);
    assert.equal(all.code, 0, all.stdout + all.stderr);
    assert.match(all.stdout, /releases, all as recorded$/m);
    const recorded = readRelease({ root: clone.root, state: clone.state }, created.release);
    const forged = { ...recorded.release, secrets: ['orrery-token', 'another'] };
    const { commit, createdAt, actor, reason } = recorded.provenance;
    const places = { root: clone.root, state: clone.state };
    const { folder } = recordRelease(places, 'git', forged, { commit, createdAt, actor, reason });
    const refused = await clone.orrery(['release', 'verify', '--all', '--rebuild']);
    rmSync(folder, { recursive: true });
    assert.equal(refused.code, 3);
    assert.match(
      refused.stdout,
      /REBUILD_DIFFERS: commit [0-9a-f]{40} rebuilds to [^]*secrets: recorded \["orrery-token","another"\]/,
    );
  });

  it('are refused when their manifest was edited, with the file and the remedy', async () => {
    const file = `stacks/records/releases/${created.release.slice(7, 19)}/release.json`;
    const text = clone.read(file);
    clone.write(file, text.replace('"schema": 2', '"schema": 2,\n  "secret": "x"'));
    const unknown = await clone.orrery(['release', 'show', created.release]);
    assert.equal(unknown.code, 3);
    assert.match(unknown.stderr, /release\.json is no valid record[\s\S]*never edited/);
    clone.write(file, text.replace('"python": "3.11"', '"python": "3.12"'));
    const edited = await clone.orrery(['release', 'show', created.release]);
    assert.equal(edited.code, 3);
    assert.match(edited.stderr, /release\.json was changed: it is recorded as sha256:/);
    clone.write(file, '{');
    const torn = await clone.orrery(['release', 'list']);
    assert.equal(torn.code, 3);
    assert.doesNotMatch(torn.stderr, / {4}at /);
    assert.ok(torn.stderr.includes(`orrery: ${file} is no valid record`), torn.stderr);
    const all = await clone.orrery(['release', 'verify', '--all']);
    clone.write(file, text);
    assert.equal(all.code, 3);
    assert.ok(all.stdout.includes(`${created.release.slice(7, 19)} has 1 faults\n  RECORD_CORRUPT: `), all.stdout);
    assert.match(all.stdout, /not all as recorded/);
  });

  it('are asked for in words that are told apart, each with what to type', async () => {
    const asked = async (...words: string[]) => {
      const { code, stderr } = await clone.orrery(words);
      assert.equal(code, 2, stderr);
      return stderr;
    };
    assert.match(await asked('relese', 'create'), /did you mean "npx orrery release create"/);
    assert.match(
      await asked('release', 'create', '--commit', 'nosuch'),
      /this clone has no commit nosuch\n {2}git log/,
    );
    assert.match(await asked('release', 'create', '--live', 'loacl'), /did you mean "local"/);
    assert.match(await asked('release', 'show', 'abc'), /at least four digits/);
    const before = clone.git('status', '--porcelain');
    for (const verb of [['deploy'], ['render'], ['rollback', '--list'], ['pin', created.release]])
      assert.match(
        await asked(verb[0] ?? '', 'prd', ...verb.slice(1)),
        /there is no environment "prd"\n {2}did you mean "prod"/,
      );
    assert.match(await asked('pin', 'prod', created.release, '--wait', 'long'), /--wait is "long"/);
    assert.equal(clone.git('status', '--porcelain'), before);
    const silent = await clone.orrery(['--json']);
    assert.equal((silent.json() as { error: { code: string } }).error.code, 'USAGE');
  });
});
