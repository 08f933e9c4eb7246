import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { CommandError } from '../errors.ts';
import { exclusively } from './exclusive.mjs';
import { execute, lastErrorIn, type Execution } from './execution.ts';
import type { Host } from './host.ts';
import { findPython, type BasePython } from './python-base.ts';

const VENV_TIMEOUT_MS = 2 * 60_000;
const PIP_TIMEOUT_MS = 15 * 60_000;
const STILL_EVERY_MS = 15_000;

export interface PythonEnvironment {
  /** The interpreter of the environment. */
  readonly python: string;
  /** For example `3.11`. */
  readonly minor: string;
  /** `sha256:<hex>` of the lock file's bytes. */
  readonly lockDigest: string;
}

export interface PythonSetup {
  readonly root: string;
  /** A pip requirements file in which every wheel is named by its hashes. */
  readonly lockFile: string;
  readonly host: Host;
  readonly progress: (line: string) => void;
}

/**
 * The environment that the lock file means, made once for each (lock, Python, platform) under `.orrery/python` and reused
 * ever after. Wheels only, every one checked against its hash: nothing is compiled and no package runs a script.
 */
export async function ensurePython(setup: PythonSetup): Promise<PythonEnvironment> {
  const { root, lockFile, host } = setup;
  const lock = readFileSync(lockFile);
  const base = await findPython(host);
  const identity = createHash('sha256').update(lock).update(`\n${base.minor}\n${base.platform}`).digest('hex');
  const home = path.join(root, '.orrery', 'python', identity.slice(0, 12));
  const python = interpreter(home);
  if (!existsSync(python)) {
    const onWait = (pid: number): void =>
      setup.progress(`waiting for process ${pid}, which installs the Python packages`);
    await exclusively({ lockFile: `${home}.lock`, waitMaxMs: PIP_TIMEOUT_MS, onWait }, async () => {
      if (!existsSync(python)) await create(setup, base, home);
    });
  }
  return { python, minor: base.minor, lockDigest: `sha256:${createHash('sha256').update(lock).digest('hex')}` };
}

/** Builds aside and renames at the end, so that an environment that stands is a whole one. */
async function create(setup: PythonSetup, base: BasePython, home: string): Promise<void> {
  const aside = `${home}.${process.pid}`;
  removeHalfMade(home);
  mkdirSync(path.dirname(home), { recursive: true });
  try {
    await run(setup, base.program, ['-m', 'venv', aside], { timeoutMs: VENV_TIMEOUT_MS });
    await install(setup, base, aside);
    removeScripts(aside);
    rmSync(home, { recursive: true, force: true });
    renameSync(aside, home);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

async function install(setup: PythonSetup, base: BasePython, home: string): Promise<void> {
  const { lockFile, progress } = setup;
  const total = readFileSync(lockFile, 'utf8').match(/^[\w.[\]-]+==/gm)?.length ?? 0;
  const startedMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - startedMs) / 1_000);
  let collected = 0;
  progress(
    `installing ${total} locked Python packages for Python ${base.minor}; the first time this takes a minute or two`,
  );
  const still = setInterval(() => {
    progress(`still installing Python packages (${collected} of ${total} fetched, ${seconds()} s)`);
  }, STILL_EVERY_MS);
  try {
    const pip = ['-m', 'pip', '--no-input', '--disable-pip-version-check'];
    const locked = ['--require-hashes', '--only-binary=:all:', '--no-deps', '--progress-bar=off', '-r', lockFile];
    const onLine = (line: string): void => {
      if (line.startsWith('Collecting ')) collected += 1;
    };
    await run(setup, interpreter(home), [...pip, 'install', ...locked], { timeoutMs: PIP_TIMEOUT_MS, onLine });
    await run(setup, interpreter(home), [...pip, 'check'], { timeoutMs: VENV_TIMEOUT_MS });
  } finally {
    clearInterval(still);
  }
  progress(`Python packages installed (${seconds()} s)`);
}

async function run(
  { host }: PythonSetup,
  program: string,
  args: readonly string[],
  options: { timeoutMs: number; onLine?: (line: string) => void },
): Promise<void> {
  // A user's PYTHONPATH would let packages from elsewhere in.
  const env = { ...host.env, PYTHONPATH: '', PYTHONHOME: undefined, PYTHONNOUSERSITE: '1' };
  const ended = await execute(program, args, { env, ...options });
  if (ended.code !== 0) throw installFailed(args, ended);
}

function installFailed(args: readonly string[], { code, output }: Execution): CommandError {
  const step = args.includes('check') ? 'pip check' : args.includes('pip') ? 'pip install' : 'venv';
  return new CommandError({
    code: 'PYTHON_PACKAGES_FAILED',
    message: `the Python environment could not be made: ${step} ended by ${code ?? 'its time limit'} (${lastErrorIn(output)})`,
    hint: 'check that pip reaches its package index (python3 -m pip download numpy), then run the same command again',
  });
}

/** What an earlier process left when it was killed in the middle. */
function removeHalfMade(home: string): void {
  const folder = path.dirname(home);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`${path.basename(home)}.`) && !name.includes('.lock')) {
      rmSync(path.join(folder, name), { recursive: true, force: true });
    }
  }
}

/** The scripts' first lines name the folder where they were made, which is gone: packages are run by `python -m`. */
function removeScripts(home: string): void {
  const folder = path.join(home, 'bin');
  for (const name of readdirSync(folder)) {
    if (!name.startsWith('python')) rmSync(path.join(folder, name), { recursive: true });
  }
}

function interpreter(home: string): string {
  return path.join(home, 'bin', 'python');
}
