import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { makeCgroup, sweepCgroups } from '#services/orchestrator/src/executors/cgroup.ts';

/**
 * Plain folders stand in for the kernel's: a machine lends cgroup v2 to few. They show which files are written and when the group is
 * given up, not what the kernel does with it.
 */
describe('a control group', () => {
  let root: string;
  let place: { root: string; own: string };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'orrery-cgroup-'));
    place = { root, own: join(root, 'own') };
    mkdirSync(join(root, 'parent.slice'));
    writeFileSync(place.own, '1:memory:/other\n0::/parent.slice/me.service\n');
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is given up, and leaves nothing, where the kernel hands no controllers down', async () => {
    // A plain folder has no memory.max, as a group without the controller has none.
    assert.equal(await makeCgroup('a', { memoryMiB: 64, threadsMax: 9 }, place), undefined);
    assert.deepEqual(readdirSync(join(root, 'parent.slice')), []);
  });

  it('is not tried where there is no cgroup v2, or no right to divide it', async () => {
    writeFileSync(place.own, '1:memory:/other\n');
    assert.equal(await makeCgroup('a', { memoryMiB: 64, threadsMax: 9 }, place), undefined);
    writeFileSync(place.own, '0::/missing.slice/me.service\n');
    assert.equal(await makeCgroup('a', { memoryMiB: 64, threadsMax: 9 }, place), undefined);
  });

  it('leaves groups alone that are in use, and removes empty ones', async () => {
    const used = join(root, 'parent.slice/orrery-step-used');
    mkdirSync(join(used, 'cgroup.procs'), { recursive: true });
    mkdirSync(join(root, 'parent.slice/orrery-step-empty'));
    mkdirSync(join(root, 'parent.slice/another'));
    await sweepCgroups(place);
    assert.deepEqual(readdirSync(join(root, 'parent.slice')).sort(), ['another', 'orrery-step-used']);
    assert.equal(readFileSync(place.own, 'utf8').length > 0, true);
  });
});
