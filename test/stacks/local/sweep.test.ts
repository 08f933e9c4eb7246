import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOfBytes } from '@orrery/contracts/digest';
import { layoutOf } from '#stacks/local/layout.ts';
import { sweep } from '#stacks/local/sweep.ts';
import { cloudRelease } from '#test/support/cloud-release.ts';

const hourMs = 3_600_000;

describe('what earlier releases left', () => {
  const state = mkdtempSync(join(tmpdir(), 'orrery-sweep-'));
  const layout = layoutOf({ root: state, state });
  after(() => rmSync(state, { recursive: true }));

  it('is removed at a start, unless a recent pin names it, or somebody else may be at it', () => {
    const hex = (text: string) => digestOfBytes(text).slice(7, 19);
    const kept = [`scoring-${hex('own of scoring')}`, `infrastructure-${hex('any')}`];
    for (const name of [...kept, `scoring-${hex('an earlier one')}`, `gone-${hex('gone')}`, '.making-abc']) {
      mkdirSync(join(layout.versions, name), { recursive: true });
    }
    const incoming = join(layout.store, 'incoming');
    for (const folder of [incoming, layout.configs]) mkdirSync(folder, { recursive: true });
    for (const name of ['old', 'young']) writeFileSync(join(incoming, name), 'half an object');
    writeFileSync(join(layout.configs, 'scoring-0123.json'), '{}');
    const nowMs = Date.now();
    utimesSync(join(incoming, 'old'), nowMs / 1000, (nowMs - 2 * hourMs) / 1000);

    assert.deepEqual(sweep(layout, [cloudRelease()], nowMs), ['laid out versions (3)', 'unfinished objects (1)']);
    assert.deepEqual(readdirSync(layout.versions).sort(), kept.sort());
    assert.deepEqual([readdirSync(incoming), readdirSync(layout.configs)], [['young'], []]);
    assert.deepEqual(sweep(layout, [cloudRelease()], nowMs), []);
  });

  it('is nothing where nothing ever ran', () => {
    const empty = layoutOf({ root: state, state: join(state, 'empty') });
    assert.deepEqual(sweep(empty, [], 0), []);
    assert.equal(existsSync(empty.state), false);
  });
});
