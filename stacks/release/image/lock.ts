import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Type, { type Static } from 'typebox';
import { DigestField } from '@orrery/contracts/release';
import { CommandError, messageOf } from '#stacks/errors.ts';

const closed = { additionalProperties: false } as const;
/** Of the uncompressed archive, so that layer digest and diff id are one. */
const sized = { digest: DigestField, size: Type.Integer({ minimum: 1024 }) };

const DebianLayer = Type.Object(
  {
    kind: Type.Literal('debian'),
    suite: Type.String(),
    packages: Type.Record(
      Type.String(),
      Type.Object({ version: Type.String(), sha256: DigestField, file: Type.String() }, closed),
    ),
    ...sized,
  },
  closed,
);

const NpmLayer = Type.Object(
  {
    kind: Type.Literal('npm'),
    packages: Type.Record(Type.String(), Type.String(), { description: 'place -> version and integrity' }),
    ...sized,
  },
  closed,
);

const WheelsLayer = Type.Object(
  {
    kind: Type.Literal('wheels'),
    lockfile: DigestField,
    files: Type.Record(Type.String(), DigestField, { description: 'wheel -> digest' }),
    ...sized,
  },
  closed,
);

const LockedLayer = Type.Union([DebianLayer, NpmLayer, WheelsLayer]);
const LockedBase = Type.Object({ manifest: DigestField, config: DigestField }, closed);

/** What images stand on: layers by digest with what they are made of, so that a release names them without making them. */
const ImageLock = Type.Object(
  {
    schema: Type.Literal(1),
    platform: Type.Literal('linux/amd64'),
    layers: Type.Record(Type.String(), LockedLayer),
    bases: Type.Object({ node: LockedBase, python: LockedBase }, closed),
  },
  closed,
);
export type ImageLock = Static<typeof ImageLock>;
export type LockedLayer = Static<typeof LockedLayer>;
export type DebianLayer = Static<typeof DebianLayer>;
export type NpmLayer = Static<typeof NpmLayer>;
export type WheelsLayer = Static<typeof WheelsLayer>;

export const imageLockFile = 'stacks/release/image/images.lock.json';

const check = new Ajv2020({ allErrors: true, strict: false }).compile<ImageLock>(ImageLock);

export function readImageLock(root: string): ImageLock {
  return parseImageLock(readFileSync(join(root, imageLockFile), 'utf8'));
}

export function parseImageLock(text: string): ImageLock {
  let lock: unknown;
  try {
    lock = JSON.parse(text);
  } catch (cause) {
    throw broken(messageOf(cause), cause);
  }
  if (check(lock)) return lock;
  const [first] = check.errors ?? [];
  throw broken(`${first?.instancePath ?? ''} ${first?.message ?? 'has another form'}`);
}

/** A layer that an image stands on. Throws `IMAGE_LOCK_STALE` where the lock has none. */
export function lockedLayer(lock: Pick<ImageLock, 'layers'>, name: string): LockedLayer {
  const layer = lock.layers[name];
  if (layer !== undefined) return layer;
  throw stale(`it has no layer "${name}"`);
}

export function stale(reason: string): CommandError {
  return new CommandError({
    code: 'IMAGE_LOCK_STALE',
    message: `${imageLockFile} does not cover the present packages: ${reason}`,
    hint: 'make it again and commit it: npx orrery image lock',
  });
}

function broken(reason: string, cause?: unknown): CommandError {
  return new CommandError({
    code: 'IMAGE_LOCK_BROKEN',
    message: `${imageLockFile} is no lock of images: ${reason}`,
    hint: 'restore it from git, or make it again: npx orrery image lock',
    cause,
  });
}
