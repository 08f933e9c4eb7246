import assert from 'node:assert/strict';
import type { Pin } from '@orrery/contracts/pin';
import { movesOf, readLedger } from '#stacks/promotion/ledger.ts';
import { readPin } from '#stacks/promotion/pin.ts';
import { cloneRepository, type Clone } from '#test/support/clone.ts';

const minuteMs = 60_000;

/** What `pin` and `rollback` of local answer. */
interface Moved {
  readonly number: number;
  readonly to: Pin;
  readonly launcher: string | null;
  readonly running: boolean;
}

describe('rolling back local after its launcher changed', function () {
  this.timeout(5 * minuteMs);
  let clone: Clone;

  before(async () => {
    clone = cloneRepository();
    const created = await clone.orrery(['release', 'create', '--json']);
    assert.equal(created.code, 0, created.stderr);
    const { release } = created.json() as { release: string };
    for (const megabytes of [64, 65]) {
      const before = clone.read('Pulumi.local.yaml');
      clone.write('Pulumi.local.yaml', before.replace(/cacheMemoryMiB: \d+/, `cacheMemoryMiB: ${megabytes}`));
      await moved('pin', 'local', release);
    }
    assert.equal(moves().length, 2);
  });
  after(() => clone.remove());

  const places = () => ({ root: clone.root, state: clone.state });
  const moves = () => movesOf(readLedger(places(), 'local')).map(({ entry }) => entry.event);
  async function moved(...words: string[]): Promise<Moved> {
    const answer = await clone.orrery([...words, '--json']);
    assert.equal(answer.code, 0, answer.stderr);
    return answer.json() as Moved;
  }
  const drainFor = (ms: number) =>
    clone.commit('stacks/local/launch.ts', (text) => text.replace(/^const drainMs = \d+;/m, `const drainMs = ${ms};`));

  it('goes to the release and the binding of then, with the render of this launcher, and says what differs', async () => {
    drainFor(6000);
    const back = await moved('rollback', 'local', '--to', '1');
    const [first, , last] = moves();
    assert.ok(first && last);
    assert.deepEqual([back.number, last.kind], [3, 'rollback']);
    assert.deepEqual([back.to.release, back.to.binding], [first.pin.release, first.pin.binding]);
    assert.notEqual(back.to.render, first.pin.render);
    assert.deepEqual([readPin(places(), 'local'), last.pin], [back.to, back.to]);
    assert.match(
      back.launcher ?? '',
      /^the launcher of local is this clone's, .*\/inputs\/config\/drainMs: 5000 or 6000;/,
    );
    assert.doesNotMatch(back.launcher ?? '', /\n/);
  });

  it('says it in one line for people, and moves no further when it stands there', async () => {
    const again = await clone.orrery(['rollback', 'local', '--to', '1']);
    assert.match(
      again.stdout,
      /stands on [0-9a-f]{12} already \(number 3\)\nnote: the launcher of local is this clone's/,
    );
    assert.equal(moves().length, 3);
  });

  it('does so where it runs, by the launcher that runs', async () => {
    const up = await clone.orrery(['up']);
    assert.equal(up.code, 0, up.stderr);
    drainFor(7000);
    const forward = await moved('rollback', 'local', '--to', '2');
    const second = moves()[1];
    assert.deepEqual([forward.number, forward.running], [4, true]);
    assert.deepEqual([forward.to.release, forward.to.binding], [second?.pin.release, second?.pin.binding]);
    assert.match(forward.launcher ?? '', /drainMs: 5000 or 6000;/);
    assert.deepEqual(readPin(places(), 'local'), forward.to);
  });

  it('goes, without a number, to what was other than the launcher', async () => {
    const release = readPin(places(), 'local')?.release ?? '';
    assert.equal((await clone.orrery(['down'])).code, 0);
    const pinned = await moved('pin', 'local', release);
    assert.equal(pinned.number, 5);
    const back = await moved('rollback', 'local');
    assert.equal(back.to.binding, moves()[0]?.pin.binding);
  });
});
