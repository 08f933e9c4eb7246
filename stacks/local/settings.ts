import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { formatProblem, readDocument } from '@orrery/contracts/definition';
import type { Binding } from '@orrery/contracts/pin';
import { CommandError } from '../errors.ts';

const closed = { additionalProperties: false } as const;
const MiB = (minimum: number) => Type.Integer({ minimum, maximum: 1_048_576 });

/** What `Pulumi.local.yaml` may say. */
export const LocalSettings = Type.Object(
  {
    portBase: Type.Integer({ minimum: 1024, maximum: 65_000, description: 'first of 32 ports, all on loopback' }),
    bus: Type.Union([Type.Literal('redis'), Type.Literal('kafka')]),
    redis: Type.Object({ stateMemoryMiB: MiB(32), cacheMemoryMiB: MiB(16) }, closed),
    datasets: Type.Record(Type.String(), Type.String({ pattern: '^(npm|definition|file):.+' }), {
      description: 'npm:<package>/<path>, definition:<path below definitions/> or file:<absolute path>',
    }),
    services: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()), {
      description: "a service's settings where they differ from its defaults",
    }),
  },
  closed,
);
export type LocalSettings = Static<typeof LocalSettings>;

const file = 'Pulumi.local.yaml';
const prefix = 'orrery:';

/** Reads `Pulumi.local.yaml` into the binding that a pin freezes. All problems at once, with file, line and column. */
export function readLocalBinding(root: string): Binding {
  const path = join(root, file);
  if (!existsSync(path)) {
    throw new CommandError({
      code: 'SETTINGS_MISSING',
      message: `${file} is missing`,
      hint: `git checkout -- ${file}`,
    });
  }
  const keys = Object.entries(LocalSettings.properties).map(([key, schema]) => [`${prefix}${key}`, schema]);
  const document = Type.Object(
    { config: Type.Object(Object.fromEntries(keys) as typeof LocalSettings.properties, closed) },
    closed,
  );
  const read = readDocument<{ config: Record<string, unknown> }>(readFileSync(path, 'utf8'), file, document);
  if (!read.ok) {
    const message = read.problems.map(formatProblem).join('\n');
    throw new CommandError({ code: 'SETTINGS_INVALID', message, hint: 'mend every place above; nothing was changed' });
  }
  const entries = Object.entries(read.value.config).map(([key, value]) => [key.slice(prefix.length), value] as const);
  return { schema: 1, environment: 'local', settings: Object.fromEntries(entries) };
}

/** The settings of a frozen local binding. */
export function localSettings(binding: Binding): LocalSettings {
  return binding.settings as LocalSettings;
}
