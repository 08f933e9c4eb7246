import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, chmod, link, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, OrreryError } from './errors.ts';

export type ObjectDigest = `sha256:${string}`;

/** Content-addressed objects: whatever has this digest, or nothing. An object is never changed and never overwritten. */
export interface ObjectStore {
  /** Takes bytes in and returns their digest; taking the same bytes twice is no error. */
  put(content: Uint8Array | string | Readable): Promise<{ digest: ObjectDigest; bytes: number }>;
  /** The bytes. Throws `OBJECT_MISSING` or, when they no longer hash to their name, `OBJECT_CORRUPT`. */
  get(digest: string): Promise<Buffer>;
  has(digest: string): Promise<boolean>;
  /** A file that holds the object, for programs that read files. Verified like `get`. */
  file(digest: string): Promise<string>;
}

/** The store on a folder: `sha256/ab/<hex>`, mode 0444, written under a temporary name and linked into place. */
export function createFolderStore(folder: string): ObjectStore {
  const path = (digest: string) => objectPath(folder, digest);
  return {
    async put(content) {
      const temporary = join(folder, 'incoming', randomUUID());
      await mkdir(dirname(temporary), { recursive: true });
      const hash = createHash('sha256');
      let bytes = 0;
      const source = content instanceof Readable ? content : Readable.from([Buffer.from(content)]);
      try {
        await pipeline(
          source,
          async function* measure(chunks: AsyncIterable<Buffer>) {
            for await (const chunk of chunks) {
              hash.update(chunk);
              bytes += chunk.length;
              yield chunk;
            }
          },
          createWriteStream(temporary, { flags: 'wx', flush: true }),
        );
        const digest: ObjectDigest = `sha256:${hash.digest('hex')}`;
        await place(temporary, path(digest), digest);
        return { digest, bytes };
      } finally {
        await rm(temporary, { force: true });
      }
    },
    async get(digest) {
      const bytes = await readObject(path(digest), digest);
      assertDigest(digest, createHash('sha256').update(bytes).digest('hex'));
      return bytes;
    },
    async has(digest) {
      return stat(path(digest)).then(
        () => true,
        () => false,
      );
    },
    async file(digest) {
      await access(path(digest)).catch((cause: unknown) => {
        throw missing(digest, cause);
      });
      assertDigest(digest, await hashFile(path(digest)));
      return path(digest);
    },
  };
}

/** The name is taken once and for ever: what lies there already is left as it is, and must be these very bytes. */
async function place(temporary: string, target: string, digest: ObjectDigest): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await chmod(temporary, 0o444);
  try {
    await link(temporary, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    assertDigest(digest, await hashFile(target));
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function readObject(path: string, digest: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw missing(digest, cause);
  });
}

function objectPath(folder: string, digest: string): string {
  const hex = digest.slice('sha256:'.length);
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    const message = `"${digest}" is no digest`;
    throw new OrreryError({ code: 'DIGEST_INVALID', message, hint: 'a digest is sha256: and 64 hexadecimal digits' });
  }
  return join(folder, 'sha256', hex.slice(0, 2), hex);
}

function missing(digest: string, cause: unknown): OrreryError {
  const message = `the store has no object ${digest}: ${messageOf(cause)}`;
  return new OrreryError({
    code: 'OBJECT_MISSING',
    message,
    hint: 'rebuild or import what made it',
    status: 404,
    cause,
  });
}

function assertDigest(digest: string, hex: string): void {
  if (digest === `sha256:${hex}`) return;
  const message = `the object ${digest} holds other bytes: they hash to sha256:${hex}`;
  throw new OrreryError({
    code: 'OBJECT_CORRUPT',
    message,
    hint: 'delete the file and rebuild or import it',
    status: 500,
  });
}
