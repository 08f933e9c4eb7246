import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { closest } from 'fastest-levenshtein';
import Type, { type Static, type TObject } from 'typebox';
import { messageOf, OrreryError } from './errors.ts';
import { readRelease } from './release-file.ts';

const Url = Type.String({ pattern: '^[a-z]+://' });

const KafkaAccess = Type.Object({
  driver: Type.Literal('kafka'),
  brokers: Type.Array(Type.String(), { minItems: 1, description: 'host:port' }),
  sasl: Type.Optional(
    Type.Object({
      mechanism: Type.Literal('scram-sha-512'),
      username: Type.String({ minLength: 1 }),
      passwordFile: Type.String(),
    }),
  ),
  tls: Type.Optional(
    Type.Object({
      caFile: Type.Optional(Type.String({ description: 'who signs, where that is no public authority' })),
    }),
  ),
});
export type KafkaAccess = Static<typeof KafkaAccess>;

const StorePlace = Type.Union([
  Type.Object({ folder: Type.String() }),
  Type.Object({
    bucket: Type.String(),
    region: Type.String(),
    endpoint: Type.Optional(Type.String({ description: 'of an S3 that is not that of AWS' })),
  }),
]);
export type StorePlace = Static<typeof StorePlace>;

/** What every service is told about where it runs. Secrets come as files, never as values. */
export const Platform = Type.Object({
  service: Type.String(),
  environment: Type.String(),
  release: Type.String({ description: 'digest of the release; "working-tree" in development' }),
  releaseFile: Type.Optional(
    Type.String({ description: 'instead of release: a file that tells it, and changes when it does' }),
  ),
  version: Type.Object({ own: Type.String(), closure: Type.String() }),
  host: Type.String({ default: '127.0.0.1' }),
  port: Type.Integer({ minimum: 0, maximum: 65_535 }),
  tokenFile: Type.String({ description: 'the file, mode 0600, that holds the token of this environment' }),
  definitionsFolder: Type.Optional(Type.String()),
  dataFolder: Type.Optional(Type.String({ description: 'a folder that this service alone owns' })),
  redis: Type.Optional(Type.Object({ state: Type.Optional(Url), cache: Type.Optional(Url) })),
  clickhouse: Type.Optional(Type.Object({ url: Url, database: Type.String({ default: 'orrery' }) })),
  store: Type.Optional(StorePlace),
  bus: Type.Optional(Type.Union([Type.Object({ driver: Type.Literal('redis') }), KafkaAccess])),
  peers: Type.Record(Type.String(), Url, { default: {} }),
  live: Type.Record(Type.String(), Type.String(), { default: {}, description: 'model -> digest of the live pair' }),
  programs: Type.Record(
    Type.String(),
    Type.Object({
      folder: Type.String(),
      bundle: Type.String(),
      command: Type.Array(Type.String(), { minItems: 1 }),
      environment: Type.Record(Type.String(), Type.String()),
    }),
    { default: {}, description: 'what process steps may run: a bundle of the release and how it is started' },
  ),
  datasets: Type.Record(Type.String(), Type.String(), { default: {}, description: 'dataset -> file' }),
  drainMs: Type.Integer({ minimum: 0, maximum: 600_000, default: 10_000 }),
  logLevel: Type.Union(
    (['debug', 'info', 'warn', 'error'] as const).map((level) => Type.Literal(level)),
    { default: 'info' },
  ),
});
export type Platform = Static<typeof Platform>;

export type Config<Settings extends TObject> = Readonly<Platform & { settings: Static<Settings> }>;

/**
 * Reads `--config FILE`, fills in defaults and checks the whole at once. Throws one OrreryError (`CONFIG_INVALID`) with every
 * problem: path, value, reason and the nearest known key.
 */
export function loadConfig<Settings extends TObject>(argv: readonly string[], settings: Settings): Config<Settings> {
  const position = argv.indexOf('--config');
  const file = position === -1 ? undefined : argv[position + 1];
  if (file === undefined) {
    throw new OrreryError({ code: 'CONFIG_MISSING', message: '--config FILE is missing', hint: 'name a JSON file' });
  }
  return checkConfig(withRelease(readJson(file)), settings, file);
}

/** What the file of the release tells at the start stands in its place. */
function withRelease(value: unknown): unknown {
  const { releaseFile } = (value ?? {}) as { readonly releaseFile?: unknown };
  return typeof releaseFile === 'string' ? { ...(value as object), release: readRelease(releaseFile) } : value;
}

export function checkConfig<Settings extends TObject>(
  value: unknown,
  settings: Settings,
  file: string,
): Config<Settings> {
  const schema = Type.Object(
    { ...Platform.properties, settings: closeObject(settings) },
    { additionalProperties: false },
  );
  const filled = { settings: {}, ...(value as object) };
  const validate = new Ajv2020({ allErrors: true, useDefaults: true, strict: false }).compile(schema);
  if (validate(filled)) return deepFreeze(filled) as Config<Settings>;
  const problems = (validate.errors ?? []).map((error) => {
    const path = error.instancePath.slice(1).replaceAll('/', '.') || 'the configuration';
    const unknown = (error.params as Record<string, unknown>)['additionalProperty'];
    if (typeof unknown !== 'string') return `${path}: ${error.message ?? 'is not valid'}`;
    const known = Object.keys(path === 'settings' ? settings.properties : schema.properties);
    return `${path}: unknown key "${unknown}", did you mean "${closest(unknown, known)}"?`;
  });
  throw new OrreryError({
    code: 'CONFIG_INVALID',
    message: `${file} is no valid configuration:\n  - ${problems.join('\n  - ')}`,
    hint: 'mend every line above; nothing was started',
  });
}

const tokenCharactersMin = 32;

/** The token of this environment. Throws `TOKEN_UNREADABLE`, or `TOKEN_WEAK` when it is too short to be one. */
export function readToken(tokenFile: string): string {
  const token = readTokenFile(tokenFile);
  if (token.length >= tokenCharactersMin) return token;
  const message = `the token in ${tokenFile} has ${token.length} characters, ${tokenCharactersMin} are the least`;
  throw new OrreryError({ code: 'TOKEN_WEAK', message, hint: 'delete the file and start again: it is made anew' });
}

function readTokenFile(tokenFile: string): string {
  try {
    return readFileSync(tokenFile, 'utf8').trim();
  } catch (cause) {
    const message = `the token file ${tokenFile} can't be read: ${messageOf(cause)}`;
    throw new OrreryError({
      code: 'TOKEN_UNREADABLE',
      message,
      hint: 'start by `npx orrery up`, which makes it',
      cause,
    });
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const message = `${file} can't be read as JSON: ${messageOf(cause)}`;
    throw new OrreryError({ code: 'CONFIG_UNREADABLE', message, hint: 'check the path and the JSON', cause });
  }
}

function closeObject<T extends TObject>(schema: T): T {
  return { ...schema, additionalProperties: false };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
