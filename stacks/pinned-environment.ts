import { isDeepStrictEqual } from 'node:util';
import type { Binding, Pin } from '@orrery/contracts/pin';
import type { Release } from '@orrery/contracts/release';
import { CommandError } from './errors.ts';

/** Where pins, releases and bindings are read from. What it returns has been checked against its digest. */
export interface ReleaseSource {
  /** What the environment stands on. Throws before its first pin. */
  pin(environment: string): Pin;
  release(digest: string): Release;
  binding(environment: string, digest: Pin['binding']): Binding;
}

export interface PinnedEnvironment {
  readonly pin: Pin;
  readonly release: Release;
  readonly settings: Binding['settings'];
}

/** What an environment stands on, by its pin. Throws `BINDING_FOREIGN` for another environment's binding. */
export function readPinnedEnvironment(source: ReleaseSource, environment: string): PinnedEnvironment {
  const pin = source.pin(environment);
  const binding = source.binding(environment, pin.binding);
  if (binding.environment !== environment) {
    throw new CommandError({
      code: 'BINDING_FOREIGN',
      message: `${environment} is pinned to ${pin.binding}, a binding of ${binding.environment}`,
      hint: `npx orrery pin ${environment} ${pin.release}`,
    });
  }
  return { pin, release: source.release(pin.release), settings: binding.settings };
}

/** One place where the file of an environment and its pinned binding say different things. */
export interface SettingsDifference {
  /** For example `network.nat`. */
  readonly path: string;
  readonly pinned: unknown;
  readonly configured: unknown;
}

export function diffSettings(pinned: unknown, configured: unknown, path: readonly string[] = []): SettingsDifference[] {
  if (isDeepStrictEqual(pinned, configured)) return [];
  if (!isMap(pinned) || !isMap(configured)) return [{ path: path.join('.'), pinned, configured }];
  const keys = [...new Set([...Object.keys(pinned), ...Object.keys(configured)])].sort();
  return keys.flatMap((key) => diffSettings(pinned[key], configured[key], [...path, key]));
}

/** Throws `SETTINGS_NOT_PINNED`, naming each difference, when Pulumi's configuration is not what the pin froze. */
export function assertSettingsPinned(environment: string, pinned: unknown, configured: unknown): void {
  const differences = diffSettings(pinned, configured);
  if (differences.length === 0) return;
  const lines = differences.map(
    (one) => `  ${one.path}: pinned ${show(one.pinned)}, configured ${show(one.configured)}`,
  );
  throw new CommandError({
    code: 'SETTINGS_NOT_PINNED',
    message: `Pulumi.${environment}.yaml differs from the pinned binding:\n${lines.join('\n')}`,
    hint: `freeze it by npx orrery pin ${environment} RELEASE, or take the change back: git checkout -- Pulumi.${environment}.yaml`,
    exitCode: 3,
  });
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
