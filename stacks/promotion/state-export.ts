import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes, shortDigest, type Digest } from '@orrery/contracts/digest';
import { CommandError } from '../errors.ts';
import type { Places } from '../release/places.ts';

const signatureKey = '4dabf18193072939515e22adb298388d';
const secretSignature = '1b47061264138c4ac30d75fd1eb44270';

interface StateResource {
  readonly urn?: string;
  readonly additionalSecretOutputs?: readonly string[];
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/**
 * Keeps an engine's exported state on this machine, for its owner alone, and returns its digest: what the ledger says of it. It is kept
 * under the deployment's number and that digest, since entries that were never committed may be lost, and their numbers taken again.
 * Throws `STATE_IN_CLEAR`, and keeps nothing, when a secret in it is not encrypted.
 */
export function keepExport(places: Places, environment: string, deployment: number, text: string): Digest {
  const [place] = secretsInClear(text);
  if (place !== undefined) {
    throw new CommandError({
      code: 'STATE_IN_CLEAR',
      message: `the exported state of ${environment} holds a secret in clear, at ${place}`,
      hint: 'nothing was kept. See which secrets provider the stack has: pulumi stack change-secrets-provider',
      exitCode: 3,
    });
  }
  const folder = join(places.state, 'exports', environment);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const digest = digestOfBytes(text);
  const file = join(folder, `${deployment}-${shortDigest(digest)}.json`);
  writeFileSync(file, text, { mode: 0o600, flush: true });
  return digest;
}

/** Where secrets stand in clear in an exported state; empty when each is ciphertext. */
export function secretsInClear(text: string): string[] {
  const state = JSON.parse(text) as { deployment?: { resources?: readonly StateResource[] } };
  const declared = (state.deployment?.resources ?? []).flatMap((resource) =>
    (resource.additionalSecretOutputs ?? [])
      .filter((name) => resource.outputs?.[name] !== undefined && !isCiphertext(resource.outputs[name]))
      .map((name) => `${resource.urn ?? '?'} ${name}`),
  );
  return [...declared, ...walk(state, '$')];
}

function walk(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => walk(item, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  const map = value as Record<string, unknown>;
  if (map[signatureKey] === secretSignature) return isCiphertext(map) ? [] : [path];
  return Object.entries(map).flatMap(([key, item]) => walk(item, `${path}.${key}`));
}

function isCiphertext(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const map = value as Record<string, unknown>;
  const known = map[signatureKey] === secretSignature && typeof map['ciphertext'] === 'string';
  return known && map['ciphertext'] !== '' && map['plaintext'] === undefined && map['value'] === undefined;
}
