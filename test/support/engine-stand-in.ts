import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

export interface Behaviour {
  /** Fails this resource, by its place in the list, and goes on with the others. */
  readonly failAt?: number;
  /** Hangs at this resource until it is interrupted. */
  readonly hangAt?: number;
  /** Hears no interrupt. */
  readonly stubborn?: boolean;
  /** Is killed at this resource. */
  readonly dieAt?: number;
  /** Exports a secret in clear. */
  readonly inClear?: boolean;
}

/** A program `pulumi` that behaves as told, for the PATH of a command. */
export class EngineStandIn {
  static readonly resources = ['network', 'cluster', 'store', 'scoring'];
  readonly folder = mkdtempSync(join(tmpdir(), 'orrery-engine-stand-in-'));

  constructor() {
    const bin = join(this.folder, 'bin');
    mkdirSync(bin);
    const program = join(import.meta.dirname, 'pulumi-stand-in.ts');
    writeFileSync(
      join(bin, 'pulumi'),
      `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${program}' "$@"\n`,
    );
    chmodSync(join(bin, 'pulumi'), 0o755);
    this.behave({});
  }

  /** What a command needs to find it. */
  get env(): Record<string, string> {
    return {
      PATH: [join(this.folder, 'bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
      STAND_IN_FOLDER: this.folder,
    };
  }

  behave(behaviour: Behaviour): void {
    this.#write('behaviour.json', JSON.stringify({ resources: EngineStandIn.resources, ...behaviour }));
  }

  /** What was made: resource -> the release that it was made of. */
  get made(): Record<string, { release: string }> {
    return this.has('made.json') ? (JSON.parse(this.read('made.json')) as Record<string, { release: string }>) : {};
  }

  /** The commands that it was given, in order; forgets them. */
  takeCalls(): string[] {
    const calls = this.has('calls') ? this.read('calls').trim().split('\n') : [];
    rmSync(join(this.folder, 'calls'), { force: true });
    return calls;
  }

  /** As if somebody ran the engine by hand. */
  lock(): void {
    this.#write('lock', 'by hand');
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  forget(name: string): void {
    rmSync(join(this.folder, name), { force: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }
}
