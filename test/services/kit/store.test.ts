import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createFolderStore } from '@orrery/kit/store';
import { describeStore } from './store-conformance.ts';

describe('the object store on a folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-store-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  describeStore(() => createFolderStore(folder));

  it('keeps objects that nobody may write, and leaves nothing half-written', async () => {
    const store = createFolderStore(folder);
    const { digest } = await store.put('a star');
    assert.equal(statSync(await store.file(digest)).mode & 0o777, 0o444);
    assert.deepEqual(readdirSync(join(folder, 'incoming')), []);
  });

  it('refuses an object whose bytes were changed', async () => {
    const store = createFolderStore(folder);
    const { digest } = await store.put('a star');
    const file = await store.file(digest);
    chmodSync(file, 0o644);
    writeFileSync(file, 'a Star');
    await assert.rejects(store.get(digest), { code: 'OBJECT_CORRUPT' });
    await assert.rejects(store.file(digest), { code: 'OBJECT_CORRUPT' });
  });

  it('never writes over an object: the same bytes leave it untouched, other bytes under its name are told', async () => {
    const store = createFolderStore(folder);
    const { digest } = await store.put('a star');
    const file = await store.file(digest);
    const before = statSync(file);
    await store.put('a star');
    const after = statSync(file);
    assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
    chmodSync(file, 0o644);
    writeFileSync(file, 'a Star');
    await assert.rejects(store.put('a star'), { code: 'OBJECT_CORRUPT' });
    assert.equal(readFileSync(file, 'utf8'), 'a Star');
  });

  it('leaves nothing of a stream that breaks', async () => {
    const store = createFolderStore(folder);
    const broken = Readable.from(
      (function* parts() {
        yield Buffer.from('half');
        throw new Error('the source broke');
      })(),
    );
    await assert.rejects(store.put(broken), /the source broke/);
    assert.deepEqual(readdirSync(join(folder, 'incoming')), []);
  });
});
