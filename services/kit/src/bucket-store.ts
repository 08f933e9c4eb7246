import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { messageOf, OrreryError } from './errors.ts';
import { retry } from './retry.ts';
import { createFolderStore, type ObjectDigest, type ObjectStore } from './store.ts';

export interface BucketStoreOptions {
  readonly bucket: string;
  readonly region: string;
  /** Of an S3 that is not AWS's, which is asked by paths. Default: AWS. */
  readonly endpoint?: string;
  /** Default: the pod's own role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Where objects lie on their way. Default: a folder among the temporary files. */
  readonly folder?: string;
  /** Objects that are kept there as files for readers, in bytes; the oldest go first. Default 512 MiB. */
  readonly keptBytesMax?: number;
}

const keptBytesMaxDefault = 512 * 1024 * 1024;
const requestTimeoutMs = 60_000;
const attemptsMax = 5;
const uploads = { attemptsMax, backoffMs: 100, backoffMaxMs: 2000 };
/** What fails is thrown, and told by whoever catches it. */
const silent = () => undefined;

/**
 * The store in a bucket: `sha256/ab/<hex>`, written under the condition that nothing lies there, with the digest as checksum, so that S3
 * refuses other bytes and nothing is ever overwritten.
 */
export function createBucketStore(options: BucketStoreOptions): ObjectStore {
  const { bucket, folder = join(tmpdir(), 'orrery-store'), keptBytesMax = keptBytesMaxDefault } = options;
  const kept = createFolderStore(folder);
  let opening: Promise<Bucket> | undefined;
  const open = () => (opening ??= openBucket(options));
  const place = (digest: string) => ({ Bucket: bucket, Key: keyOf(digest) });
  const download = async (digest: string): Promise<Readable> => {
    const at = place(digest);
    const { client, sdk } = await open();
    const { Body } = await client.send(new sdk.GetObjectCommand(at)).catch((error: unknown) => {
      throw failed(digest, error);
    });
    return Body as Readable;
  };
  const upload = async ({ digest, bytes }: { digest: ObjectDigest; bytes: number }, file: string): Promise<void> => {
    const { client, sdk } = await open();
    const checksum = Buffer.from(digest.slice('sha256:'.length), 'hex').toString('base64');
    const condition = { IfNoneMatch: '*', ChecksumSHA256: checksum, ContentLength: bytes };
    // The SDK can't send a stream twice; a file can be read again.
    await retry(async () => {
      const object = { ...place(digest), ...condition, Body: createReadStream(file) };
      await client.send(new sdk.PutObjectCommand(object)).catch((error: unknown) => {
        // It lies there already, and since its name is its content, these are its bytes.
        if (statusOf(error) !== 412) throw failed(digest, error);
      });
    }, uploads);
  };
  return {
    async put(content) {
      // Its own folder for each, since the name of an object is not known before all of it has come.
      const passage = join(folder, 'outgoing', randomUUID());
      try {
        const outgoing = createFolderStore(passage);
        const taken = await outgoing.put(content);
        await upload(taken, await outgoing.file(taken.digest));
        return taken;
      } finally {
        await rm(passage, { recursive: true, force: true });
      }
    },
    async get(digest) {
      const chunks: Buffer[] = [];
      for await (const chunk of await download(digest)) chunks.push(chunk as Buffer);
      const bytes = Buffer.concat(chunks);
      assertDigest(digest, `sha256:${createHash('sha256').update(bytes).digest('hex')}`);
      return bytes;
    },
    async has(digest) {
      const at = place(digest);
      const { client, sdk } = await open();
      try {
        await client.send(new sdk.HeadObjectCommand(at));
        return true;
      } catch (error) {
        if (statusOf(error) === 404) return false;
        throw failed(digest, error);
      }
    },
    async file(digest) {
      if (await kept.has(digest)) return kept.file(digest);
      await makeRoom(folder, keptBytesMax);
      const { digest: found } = await kept.put(await download(digest));
      assertDigest(digest, found);
      return kept.file(digest);
    },
  };
}

type Sdk = typeof import('@aws-sdk/client-s3');

interface Bucket {
  readonly client: S3Client;
  readonly sdk: Sdk;
}

/** The SDK is loaded by whoever has a bucket, and by nobody else. */
async function openBucket({ region, endpoint, credentials }: BucketStoreOptions): Promise<Bucket> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    region,
    maxAttempts: attemptsMax,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    requestHandler: { requestTimeout: requestTimeoutMs, connectionTimeout: 5000 },
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  return { client, sdk };
}

function keyOf(digest: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    const message = `"${digest}" is no digest`;
    throw new OrreryError({ code: 'DIGEST_INVALID', message, hint: 'a digest is sha256: and 64 hexadecimal digits' });
  }
  const hex = digest.slice('sha256:'.length);
  return `sha256/${hex.slice(0, 2)}/${hex}`;
}

/** Whoever reads a file that goes has it open, and reads on. */
async function makeRoom(folder: string, bytesMax: number): Promise<void> {
  const names = await readdir(join(folder, 'sha256'), { recursive: true }).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => /[0-9a-f]{64}$/.test(name))
      .map(async (name) => {
        const file = join(folder, 'sha256', name);
        const { size, mtimeMs } = await stat(file).catch(() => ({ size: 0, mtimeMs: 0 }));
        return { file, size, mtimeMs };
      }),
  );
  let bytes = found.reduce((sum, { size }) => sum + size, 0);
  for (const { file, size } of found.toSorted((left, right) => left.mtimeMs - right.mtimeMs)) {
    if (bytes <= bytesMax) return;
    await rm(file, { force: true });
    bytes -= size;
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function failed(digest: string, cause: unknown): OrreryError {
  const status = statusOf(cause);
  if (status === 404) {
    const message = `the store has no object ${digest}: ${messageOf(cause)}`;
    const hint = 'rebuild or import what made it';
    return new OrreryError({ code: 'OBJECT_MISSING', message, hint, status: 404, cause });
  }
  if (status === 403) {
    const message = `the store refuses ${digest} to this service: ${messageOf(cause)}`;
    const hint = 'its role needs s3:GetObject, s3:PutObject and, to be told what is missing, s3:ListBucket';
    return new OrreryError({ code: 'STORE_DENIED', message, hint, cause });
  }
  const message = `the store did not answer for ${digest}: ${messageOf(cause)}`;
  const hint = 'look at the bucket and the way to it';
  return new OrreryError({ code: 'STORE_UNREACHABLE', message, hint, retry: 'retryable', cause });
}

function assertDigest(digest: string, found: string): void {
  if (digest === found) return;
  const message = `the object ${digest} holds other bytes: they hash to ${found}`;
  const hint = 'bring it back from an older version of the object, or import it';
  throw new OrreryError({ code: 'OBJECT_CORRUPT', message, hint, status: 500 });
}
