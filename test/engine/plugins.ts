import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { currentHost, findProgram } from '#stacks/setup/host.ts';

/** Packages that test/engine/standin stands in for. */
const standIns = ['aws', 'eks', 'kubernetes'] as const;

/** What the engine would run for a package: a stand-in is a script, a provider is a program. */
export function pluginOf(name: string): 'script' | 'program' | 'absent' {
  const file = findProgram(currentHost(), `pulumi-resource-${name}`);
  if (file !== undefined) return isScript(file) ? 'script' : 'program';
  const installed = join(process.env['PULUMI_HOME'] ?? join(homedir(), '.pulumi'), 'plugins');
  const names = existsSync(installed) ? readdirSync(installed) : [];
  return names.some((entry) => entry.startsWith(`resource-${name}-v`)) ? 'program' : 'absent';
}

/** Makes, changes and destroys only what is in a file: nothing here may ever touch an account. */
export function isCloudOfFiles(): boolean {
  return standIns.every((name) => pluginOf(name) !== 'program');
}

let folder: string | undefined;

/** Where an engine finds Node, and our stand-ins before others; a provider that is really there is never hidden by one. */
export function enginePath(): string {
  folder ??= install();
  return [folder, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
}

function install(): string {
  const made = mkdtempSync(join(tmpdir(), 'orrery-plugins-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  for (const name of standIns.filter((each) => pluginOf(each) !== 'program')) {
    const program = join(import.meta.dirname, 'standin', `${name}.ts`);
    const script = join(made, `pulumi-resource-${name}`);
    writeFileSync(
      script,
      `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${program}' "$@"\n`,
    );
    chmodSync(script, 0o755);
  }
  return made;
}

function isScript(file: string): boolean {
  const start = Buffer.alloc(2);
  const handle = openSync(file, 'r');
  readSync(handle, start, 0, 2, 0);
  closeSync(handle);
  return start.toString() === '#!';
}
