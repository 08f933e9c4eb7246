import type { Host } from '#stacks/setup/host.ts';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * A machine with nothing on its PATH but the shell scripts that a test puts there. Each script appends its name and
 * arguments to one file, so that a test reads what was called; `$HERE` is the machine's folder and `$BIN` its PATH.
 */
export class FakeMachine {
  readonly root: string;
  readonly progress: string[] = [];
  readonly #bin: string;
  readonly #calls: string;

  constructor() {
    this.root = mkdtempSync(path.join(tmpdir(), 'fake-machine-'));
    this.#bin = path.join(this.root, 'path');
    this.#calls = path.join(this.root, 'calls');
    mkdirSync(this.#bin);
  }

  host(changes: Partial<Host> = {}): Host {
    return { platform: 'linux', isRoot: false, ...changes, env: { PATH: this.#bin, ...changes.env } };
  }

  /** A program on the PATH; the script uses only the shell's own commands and absolute paths. */
  program(name: string, script: string): string {
    const file = path.join(this.#bin, name);
    const head = ['#!/bin/sh', `HERE='${this.root}'`, `BIN='${this.#bin}'`, `echo "${name} $*" >> '${this.#calls}'`];
    writeFileSync(file, `${[...head, script].join('\n')}\n`, { mode: 0o755 });
    return file;
  }

  calls(): string[] {
    return existsSync(this.#calls) ? readFileSync(this.#calls, 'utf8').trimEnd().split('\n') : [];
  }

  /** What stands in a folder below the root; nothing when the folder is missing. */
  list(...folder: string[]): string[] {
    const at = path.join(this.root, ...folder);
    return existsSync(at) ? readdirSync(at).toSorted() : [];
  }

  readonly tell = (line: string): void => {
    this.progress.push(line);
  };

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
