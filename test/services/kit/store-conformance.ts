import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { ObjectStore } from '@orrery/kit/store';

// printf 'a star' | sha256sum
export const starDigest = 'sha256:91aeee1163fdce71a82238916e2f33e0239c51245664baa8d3282da111e2cdfd';

/** What every store promises, wherever it keeps its objects. `open` gives an empty one. */
export function describeStore(open: () => ObjectStore): void {
  it('names an object by the bytes that it holds, however they come', async () => {
    const store = open();
    const whole = await store.put('a star');
    const streamed = await store.put(Readable.from([Buffer.from('a '), Buffer.from('star')]));
    assert.deepEqual(whole, { digest: starDigest, bytes: 6 });
    assert.deepEqual(streamed, whole);
    assert.equal((await store.get(whole.digest)).toString(), 'a star');
    assert.equal(readFileSync(await store.file(whole.digest), 'utf8'), 'a star');
    assert.equal(await store.has(whole.digest), true);
  });

  it('takes many at once, the same among them', async () => {
    const store = open();
    const taken = await Promise.all(['a star', 'a moon', 'a star', ''].map((text) => store.put(text)));
    assert.equal(new Set(taken.map(({ digest }) => digest)).size, 3);
    for (const { digest, bytes } of taken) assert.equal((await store.get(digest)).length, bytes);
  });

  it('says what it lacks, and refuses what is no digest', async () => {
    const store = open();
    await assert.rejects(store.get(starDigest), { code: 'OBJECT_MISSING', status: 404 });
    await assert.rejects(store.file(starDigest), { code: 'OBJECT_MISSING', status: 404 });
    await assert.rejects(store.get('../../etc/passwd'), { code: 'DIGEST_INVALID' });
    assert.equal(await store.has(starDigest), false);
  });

  it('takes nothing of a stream that breaks', async () => {
    const store = open();
    const broken = Readable.from(
      (function* parts() {
        yield Buffer.from('a star');
        throw new Error('the source broke');
      })(),
    );
    await assert.rejects(store.put(broken), /the source broke/);
    assert.equal(await store.has(starDigest), false);
  });
}
