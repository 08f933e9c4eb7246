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

export const ReleasedImage = Type.Object(
  {
    digest: DigestField,
    base: DigestField,
    platform: Type.Literal('linux/amd64'),
  },
  {
    ...closed,
    description: 'manifests of an OCI image: of the service as it runs in a cluster, and of the base it stands on',
  },
);
export type ReleasedImage = Static<typeof ReleasedImage>;

export const ReleasedService = Type.Object(
  {
    runtime: Type.Union([Type.Literal('node'), Type.Literal('python')]),
    bundle: DigestField,
    image: ReleasedImage,
    config: Type.Unsafe<`sha256:${string}`>({ ...DigestField, description: 'how it is run: see ServiceConfig' }),
    contract: Type.Unsafe<`sha256:${string}`>({
      ...DigestField,
      description: 'what others rely on: see ServiceContract',
    }),
    dependencies: DigestField,
    native: Type.Record(Type.String(), Type.String(), { description: 'package -> version and integrity' }),
    definitions: Type.Record(Type.String(), DigestField, { description: 'path -> object of the store' }),
    own: DigestField,
    closure: DigestField,
    manifest: ServiceManifest,
  },
  closed,
);
export type ReleasedService = Static<typeof ReleasedService>;

const Toolchain = Type.Object(
  {
    node: Type.String(),
    python: Type.String({ description: 'the minor version whose wheels are locked' }),
    engine: Type.String({ description: 'version of the Pulumi SDK' }),
    bundler: Type.String({ description: 'version of esbuild' }),
    providers: Type.Record(Type.String(), Type.Object({ version: Type.String(), integrity: Type.String() }, closed)),
    lockfile: DigestField,
    pythonLock: DigestField,
  },
  closed,
);

const Data = Type.Object(
  {
    clickhouse: Type.Record(
      Type.String(),
      Type.Object(
        {
          text: DigestField,
          phase: Type.Union([Type.Literal('expand'), Type.Literal('backfill'), Type.Literal('contract')]),
        },
        closed,
      ),
      { description: 'service/migration -> digest of its text, and what it does to what stands' },
    ),
    topics: Type.Record(
      Type.String(),
      Type.Object({ schema: DigestField, producers: Type.Array(Name), consumers: Type.Array(Name) }, closed),
    ),
    keySpaces: Type.Record(
      Type.String(),
      Type.Object({ service: Name, store: Type.Union([Type.Literal('state'), Type.Literal('cache')]) }, closed),
      { description: 'pattern of Redis keys -> who owns it and in which Redis it lies' },
    ),
  },
  closed,
);

/**
 * A release: an immutable snapshot of the whole platform, free of any environment. It holds no time, actor, path, number, parent
 * or secret, so that the same commit and the same live pairs give the same digest on any machine.
 */
export const Release = Type.Object(
  {
    schema: Type.Literal(2),
    services: Type.Record(Name, ReleasedService),
    infrastructure: Type.Object({ bundle: DigestField }, closed),
    live: Type.Record(Name, DigestField, { description: 'model -> the pair that scores' }),
    toolchain: Toolchain,
    data: Data,
    policies: Type.Object({ pack: DigestField, rules: Type.Array(Type.String()) }, closed),
    prices: Type.Object(
      { list: DigestField, asOf: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'YYYY-MM-DD' }) },
      closed,
    ),
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
