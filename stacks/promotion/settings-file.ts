import { existsSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import type { Binding } from '@orrery/contracts/pin';
import { CommandError } from '../errors.ts';
import { diffSettings, type SettingsDifference } from '../pinned-environment.ts';
import { checkSettings } from '../settings/check.ts';
import { settingsOfConfig } from '../settings/configuration.ts';

/**
 * Freezes the `orrery:` settings of `Pulumi.<env>.yaml` into a binding, once all of them are right. They are read as Pulumi hands them to
 * a program, since Pulumi itself writes `1` as `"1"` into the file. A secret's ciphertext is a reference, never a value.
 */
export function freezeSettings(root: string, environment: string): Binding {
  const file = `Pulumi.${environment}.yaml`;
  if (!existsSync(join(root, file))) {
    const hint =
      'an environment is a file beside Pulumi.yaml: copy Pulumi.dev.yaml (a cloud of its own) or Pulumi.kubernetes.yaml ' +
      '(a cluster that is there already) to it, and change it';
    throw new CommandError({ code: 'ENVIRONMENT_UNKNOWN', message: `${file} does not exist`, hint, exitCode: 2 });
  }
  const document = readYaml(file, readFileSync(join(root, file), 'utf8')) as { config?: unknown } | null;
  const config = Object.entries((document?.config ?? {}) as Record<string, unknown>).map(
    ([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)] as const,
  );
  return {
    schema: 1,
    environment,
    settings: checkSettings(environment, settingsOfConfig(Object.fromEntries(config))),
  };
}

/**
 * Writes a binding's settings back into `Pulumi.<env>.yaml`, whose comments and other keys stay. Returns what was changed; empty when the
 * file says it already.
 */
export function thawSettings(root: string, binding: Binding): SettingsDifference[] {
  const file = join(root, `Pulumi.${binding.environment}.yaml`);
  const differences = diffSettings(binding.settings, freezeSettings(root, binding.environment).settings);
  if (differences.length === 0) return [];
  const document = parseDocument(readFileSync(file, 'utf8'));
  for (const { path, pinned } of differences) {
    const [key = '', ...rest] = path.split('.');
    const place = ['config', `orrery:${key}`, ...rest];
    if (pinned === undefined) document.deleteIn(place);
    else document.setIn(place, document.createNode(pinned, { flow: Array.isArray(pinned) }));
  }
  replaceFile(realpathSync(file), document.toString({ lineWidth: 0 }));
  return differences;
}

/** Whole or not at all: people wrote the rest of the file. */
function replaceFile(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { flush: true });
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Reads YAML that says each thing once. Throws `SETTINGS_INVALID`, naming the place of everything that is wrong. */
function readYaml(file: string, text: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, uniqueKeys: true, prettyErrors: false });
  if (document.errors.length === 0) return document.toJS();
  const problems = document.errors.map(({ pos, message }) => {
    const { line, col } = lineCounter.linePos(pos[0]);
    const key = /^[^\s:]+(:[^\s:]+)?/.exec(text.slice(pos[0]))?.[0] ?? '';
    const said = message === 'Map keys must be unique' ? `the key ${key} stands twice` : message;
    return `${file}:${line}:${col} ${said}`;
  });
  throw new CommandError({
    code: 'SETTINGS_INVALID',
    message: problems.join('\n'),
    hint: 'mend every place above; nothing was changed',
  });
}
