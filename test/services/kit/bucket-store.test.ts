import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBucketStore, type BucketStoreOptions } from '@orrery/kit/bucket-store';
import { openStore } from '@orrery/kit/open-store';
import { startS3, type S3StandIn } from './s3-stand-in.ts';
import { describeStore, starDigest } from './store-conformance.ts';

const starPath = '/objects/sha256/91/91aeee1163fdce71a82238916e2f33e0239c51245664baa8d3282da111e2cdfd';

describe('the object store in a bucket', () => {
  let s3: S3StandIn;
  let folder: string;
  beforeEach(async () => {
    s3 = await startS3();
    folder = mkdtempSync(join(tmpdir(), 'orrery-bucket-'));
  });
  afterEach(async () => {
    await s3.stop();
    rmSync(folder, { recursive: true });
  });

  const open = (over: Partial<BucketStoreOptions> = {}) =>
    createBucketStore({
      ...{ bucket: 'objects', region: 'eu-west-1', endpoint: s3.endpoint, folder },
      credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' },
      ...over,
    });

  describeStore(() => open());

  it('writes once, under the condition that nothing lies there, and leaves nothing on this machine', async () => {
    const store = open();
    await store.put('a star');
    await store.put('a star');
    assert.deepEqual(s3.requests, [`PUT ${starPath} 200`, `PUT ${starPath} 412`]);
    assert.deepEqual(readdirSync(join(folder, 'outgoing')), []);
    assert.ok(!existsSync(join(folder, 'sha256')));
  });

  it('refuses an object whose bytes were changed, and keeps no file of it', async () => {
    const store = open();
    await store.put('a star');
    s3.objects.set(starPath, Buffer.from('a Star'));
    await assert.rejects(store.get(starDigest), { code: 'OBJECT_CORRUPT' });
    await assert.rejects(store.file(starDigest), { code: 'OBJECT_CORRUPT' });
    await assert.rejects(store.file(starDigest), { code: 'OBJECT_CORRUPT' });
  });

  it('fetches a file once, and lets the oldest go where there are too many bytes', async () => {
    const store = open({ keptBytesMax: 5 });
    const star = await store.file((await store.put('a star')).digest);
    await store.file(starDigest);
    assert.deepEqual(
      s3.requests.filter((line) => line.startsWith('GET')),
      [`GET ${starPath} 200`],
    );
    const moon = await store.file((await store.put('a moon')).digest);
    assert.deepEqual([existsSync(star), existsSync(moon)], [false, true]);
  });

  it('tells a bucket that it may not read from one that lacks the object', async () => {
    s3.refuse(403);
    await assert.rejects(open().has(starDigest), { code: 'STORE_DENIED' });
    await assert.rejects(open().get(starDigest), { code: 'STORE_DENIED' });
    await assert.rejects(open().put('a star'), { code: 'STORE_DENIED' });
  });

  it('tries again where the bucket has too much to do', async () => {
    const store = open();
    s3.refuse(503, 2);
    await store.put('a star');
    assert.deepEqual(s3.requests, [`PUT ${starPath} 503`, `PUT ${starPath} 503`, `PUT ${starPath} 200`]);
    s3.refuse(503, 2);
    assert.equal((await store.get(starDigest)).toString(), 'a star');
  });

  it('says so where nobody answers', async () => {
    const nobody = open({ endpoint: 'http://127.0.0.1:1' });
    await assert.rejects(nobody.has(starDigest), { code: 'STORE_UNREACHABLE' });
  });

  it('is opened by what the configuration says: a folder, or a bucket', async () => {
    const { digest } = await openStore({ folder }).put('a star');
    assert.ok(existsSync(join(folder, 'sha256', '91', digest.slice('sha256:'.length))));
    assert.equal(typeof openStore({ bucket: 'objects', region: 'eu-west-1' }).put, 'function');
  });
});
