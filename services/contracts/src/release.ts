import Type, { type Static } from 'typebox';
import { closed, Name } from './definitions/fields.ts';
import { digestPattern } from './digest.ts';
import { ServiceManifest } from './service-manifest.ts';

export const DigestField = Type.Unsafe<`sha256:${string}`>(Type.String({ pattern: digestPattern }));

/** A bundle: one service's files, byte for byte; each file is an object of the store. */
export const Bundle = Type.Object(
  {
    schema: Type.Literal(1),
    files: Type.Array(
      Type.Object({ path: Type.String(), object: DigestField, bytes: Type.Integer({ minimum: 0 }) }, closed),
      { description: 'sorted by path' },
    ),
  },
  closed,
);
export type Bundle = Static<typeof Bundle>;

export const ReleasedService = Type.Object(
  {
    runtime: Type.Union([Type.Literal('node'), Type.Literal('python')]),
    bundle: DigestField,
    own: DigestField,
    closure: DigestField,
    contract: DigestField,
    dependencies: DigestField,
    native: Type.Record(Type.String(), Type.String(), { description: 'package -> version and integrity' }),
    definitions: Type.Record(Type.String(), DigestField, { description: 'path -> object of the store' }),
    manifest: ServiceManifest,
  },
  closed,
);
export type ReleasedService = Static<typeof ReleasedService>;

/**
 * A release: an immutable snapshot of the whole platform, free of any environment. It holds no time, actor, path, number, parent
 * or secret, so that the same commit and the same live pairs give the same digest on any machine.
 */
export const Release = Type.Object(
  {
    schema: Type.Literal(1),
    services: Type.Record(Name, ReleasedService),
    infrastructure: Type.Object({ bundle: DigestField }, closed),
    live: Type.Record(Name, DigestField, { description: 'model -> the pair that scores' }),
    toolchain: Type.Object(
      {
        node: Type.String(),
        python: Type.String({ description: 'the oldest minor that the lock admits' }),
        lockfile: DigestField,
        pythonLock: DigestField,
        packages: Type.Record(Type.String(), Type.String(), {
          description: 'the engine, the providers and the bundler',
        }),
      },
      closed,
    ),
    data: Type.Object(
      {
        clickhouse: Type.Record(Type.String(), DigestField, { description: 'service/migration -> digest of its text' }),
        topics: Type.Array(Type.String()),
        keySpaces: Type.Array(Type.String()),
      },
      closed,
    ),
    policies: DigestField,
    secrets: Type.Array(Type.String({ description: 'names, never values' })),
  },
  { ...closed, $id: 'https://orrery.dev/schema/release.json', title: 'Release' },
);
export type Release = Static<typeof Release>;

/** How a release came to be: beside the manifest, outside the digest. */
export const Provenance = Type.Object(
  {
    schema: Type.Literal(1),
    release: DigestField,
    commit: Type.String({ pattern: '^[0-9a-f]{40,64}$' }),
    base: Type.Optional(DigestField),
    createdAt: Type.String(),
    actor: Type.String(),
    reason: Type.String(),
  },
  closed,
);
export type Provenance = Static<typeof Provenance>;

/** One environment's parameters, frozen; secret references only. */
export const Binding = Type.Object(
  {
    schema: Type.Literal(1),
    environment: Name,
    settings: Type.Record(Type.String(), Type.Unknown()),
  },
  closed,
);
export type Binding = Static<typeof Binding>;

/** What an environment stands on. Changing the pin is the only way to change the environment. */
export const Pin = Type.Object({ schema: Type.Literal(1), release: DigestField, binding: DigestField }, closed);
export type Pin = Static<typeof Pin>;

/** One line of an environment's ledger; `previous` chains it to the line before. */
export const LedgerEntry = Type.Object(
  {
    schema: Type.Literal(1),
    number: Type.Integer({ minimum: 1 }),
    previous: Type.Union([DigestField, Type.Null()]),
    kind: Type.Union([Type.Literal('pin'), Type.Literal('go-live'), Type.Literal('rollback')]),
    pin: Pin,
    at: Type.String(),
    actor: Type.String(),
    reason: Type.String(),
  },
  closed,
);
export type LedgerEntry = Static<typeof LedgerEntry>;
