import assert from 'node:assert/strict';
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shortDigest, type Digest } from '@orrery/contracts/digest';
import { auditAll } from '#stacks/promotion/audit.ts';
import { formatFault } from '#stacks/promotion/audit-fault.ts';
import { RecordedRepository } from './recorded-repository.ts';

const ledger = 'stacks/records/ledger/dev';

describe('the audit', function () {
  this.timeout(60_000);
  let repository: RecordedRepository;
  let objects: readonly Digest[];

  beforeEach(async () => {
    repository = new RecordedRepository();
    objects = await repository.fillStore();
  });
  afterEach(() => repository.remove());

  const audit = () => auditAll({ places: repository.places, rebuilds: false, progress: () => undefined });
  /** The first line of what is told first. */
  const first = async () => {
    const { whole, faults } = await audit();
    assert.equal(whole, false, 'nothing was found');
    return formatFault(faults[0] ?? { kind: 'record', path: '', message: '' });
  };
  const release = (file: string, index = 0) =>
    `stacks/records/releases/${shortDigest(repository.releases[index] ?? '')}/${file}`;

  it('finds nothing where nothing was changed, and says what it looked at', async () => {
    const { faults, checked, shallow } = await audit();
    assert.deepEqual(faults, []);
    assert.equal(shallow, false);
    assert.deepEqual(checked, {
      commits: 3,
      releases: 2,
      bindings: 1,
      ledgers: 1,
      entries: 6,
      pins: 1,
      objects: 2,
    });
  });

  it('names the byte of an edited manifest, what stands there and what stood', async () => {
    repository.edit(release('release.json'), '"python": "3.11"', '"python": "3.12"');
    assert.match(
      await first(),
      /release\.json:\d+:19 differs from what is committed\n {4}stands: 2"[^]*\n {4}stood: {2}1"/,
    );
  });

  it('names the byte of an edited binding, ledger entry and provenance', async () => {
    const binding = `stacks/records/bindings/${shortDigest(repository.binding)}.json`;
    repository.edit(binding, 'eu-west-1', 'eu-west-2');
    assert.match(await first(), /bindings\/[0-9a-f]{12}\.json:5:24 differs[^]*stands: 2"\n {4}stood: {2}1"/);
    repository.edit(binding, 'eu-west-2', 'eu-west-1');
    repository.edit(`${ledger}/000004.json`, '"done"', '"failed"');
    assert.match(await first(), /ledger\/dev\/000004\.json:\d+:\d+ differs[^]*stands: failed"[^]*stood: {2}done"/);
    repository.edit(`${ledger}/000004.json`, '"failed"', '"done"');
    repository.edit(release('provenance.json'), '"anna"', '"bert"');
    assert.match(await first(), /provenance\.json:\d+:\d+ differs/);
  });

  it('names the commit that edited, removed or replaced a record, although a later one took it back', async () => {
    const file = release('release.json', 1);
    const before = repository.read(file);
    repository.write(file, before.replace('"python": "3.11"', '"python": "3.12"'));
    const edited = repository.commit('a harmless edit');
    repository.write(file, before);
    repository.commit('take it back');
    const told = await first();
    assert.match(told, /release\.json:\d+:19 was edited: records are only ever added/);
    assert.ok(told.includes(edited.slice(0, 12)), told);
    const { faults } = await audit();
    assert.deepEqual(
      faults.map((fault) => fault.kind),
      ['history', 'history'],
    );
  });

  it('names what a merge dropped', async () => {
    repository.git('checkout', '--quiet', '-b', 'side');
    repository.move(0);
    repository.commit('pin one again');
    repository.git('checkout', '--quiet', 'main');
    repository.git('merge', '--quiet', '--strategy=ours', '--no-ff', '--message', 'merge', 'side');
    assert.match(await first(), /ledger\/dev\/000007\.json was removed: records are only ever added/);
  });

  it('names entries of the ledger that were cut, reordered or renumbered, committed or not', async () => {
    const file = (number: number) => join(repository.root, ledger, `00000${number}.json`);
    rmSync(file(6));
    assert.match(await first(), /000006\.json is missing, HEAD has it/);
    repository.git('checkout', '--', ledger);
    const [third, fourth] = [repository.read(`${ledger}/000003.json`), repository.read(`${ledger}/000004.json`)];
    writeFileSync(file(3), fourth);
    writeFileSync(file(4), third);
    assert.match(await first(), /000003\.json:\d+:\d+ differs/);
    repository.git('checkout', '--', ledger);
    renameSync(file(6), file(7));
    repository.commit('renumber');
    assert.match(await first(), /000006\.json was removed[^]*commit/);
    assert.ok((await audit()).faults.some((fault) => fault.message.includes('is missing before 000007.json')));
  });

  it('names a pin that no entry moved, and what it names that is not recorded', async () => {
    const pin = 'stacks/pins/dev.json';
    repository.edit(pin, repository.pinOf(1).release, repository.pinOf(0).release);
    assert.match(await first(), /pins\/dev\.json:3:\d+ is not what the last move of its ledger says/);
    repository.git('checkout', '--', pin);
    repository.edit(pin, repository.pinOf(1).binding, repository.pinOf(1).render);
    assert.match(await first(), /bindings\/[0-9a-f]{12}\.json is no valid record: it is missing/);
    repository.git('checkout', '--', pin);
    rmSync(join(repository.root, pin));
    assert.match(await first(), /pins\/dev\.json is missing, the ledger of dev ends at a move/);
  });

  it('names the record under another name, one that is none, and a byte of white space', async () => {
    repository.write('stacks/records/releases/notes.txt', 'hello');
    assert.match(await first(), /releases\/notes\.txt is no record/);
    rmSync(join(repository.root, 'stacks/records/releases/notes.txt'));
    const binding = repository.read(`stacks/records/bindings/${shortDigest(repository.binding)}.json`);
    repository.write('stacks/records/bindings/000000000000.json', binding);
    assert.match(await first(), /000000000000\.json hashes to sha256:[0-9a-f]{64}, not to its name/);
    repository.write('stacks/records/bindings/000000000000.json', binding.replace('"schema": 1', '"schema":  1'));
    assert.match(await first(), /000000000000\.json:\d+:\d+ is not written as records are/);
  });

  it('names an object that holds other bytes, one that can be written, and one that is none', async () => {
    const hex = (objects[0] ?? '').slice('sha256:'.length);
    const file = join(repository.places.state, 'store/sha256', hex.slice(0, 2), hex);
    chmodSync(file, 0o644);
    assert.match(await first(), /can be written \(mode 644\)/);
    writeFileSync(file, 'a Star');
    chmodSync(file, 0o444);
    assert.match(await first(), new RegExp(`holds other bytes: expected sha256:${hex}, found sha256:[0-9a-f]{64}`));
    renameSync(file, join(file, '..', 'star'));
    assert.match(await first(), /is no object/);
  });

  it('says of a shallow clone that it can not know the past', async () => {
    const shallow = join(repository.root, '.orrery', 'shallow');
    repository.git('clone', '--quiet', '--depth=1', `file://${repository.root}`, shallow);
    const places = { root: shallow, state: join(shallow, '.orrery') };
    const told = await auditAll({ places, rebuilds: false, progress: () => undefined });
    assert.equal(told.shallow, true);
    assert.deepEqual(told.faults, []);
  });
});
