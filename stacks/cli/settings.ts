import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Binding } from '@orrery/contracts/pin';
import { CommandError, messageOf } from '../errors.ts';
import { checkSettings } from '../settings.ts';

/**
 * Freezes the `orrery:` settings of `Pulumi.<env>.yaml` into a binding, once all of them are right. A secret's ciphertext is a
 * reference, never a value.
 */
export function freezeSettings(root: string, environment: string): Binding {
  const file = `Pulumi.${environment}.yaml`;
  if (!existsSync(join(root, file))) {
    const hint = 'an environment is a file Pulumi.<env>.yaml beside Pulumi.yaml';
    throw new CommandError({ code: 'ENVIRONMENT_UNKNOWN', message: `${file} does not exist`, hint, exitCode: 2 });
  }
  let document: { config?: Record<string, unknown> } | null;
  try {
    document = parse(readFileSync(join(root, file), 'utf8')) as { config?: Record<string, unknown> } | null;
  } catch (cause) {
    throw new CommandError({
      code: 'SETTINGS_INVALID',
      message: `${file}: ${messageOf(cause)}`,
      hint: 'mend the YAML',
      cause,
    });
  }
  const entries = Object.entries(document?.config ?? {}).filter(([key]) => key.startsWith('orrery:'));
  const settings = Object.fromEntries(entries.map(([key, value]) => [key.slice('orrery:'.length), value]));
  return { schema: 1, environment, settings: checkSettings(environment, settings) };
}
