import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What --json printed. Throws when it printed none. */
  json(): unknown;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** This repository's HEAD as a repository in a folder of its own, with the packages that are installed here. */
export interface Clone {
  readonly root: string;
  readonly state: string;
  readonly portBase: number;
  /** Runs `orrery` in the clone and waits for its end. */
  orrery(words: readonly string[], options?: CommandOptions): Promise<Answer>;
  /** Starts `orrery` in the clone; the caller ends it. */
  start(words: readonly string[], options?: CommandOptions): ChildProcess;
  /** Commits an edit of one file. */
  commit(file: string, edit: (text: string) => string): void;
  read(file: string): string;
  write(file: string, text: string): void;
  git(...words: string[]): string;
  /** Ends what runs there and removes the clone. */
  remove(): Promise<void>;
}

const timeoutMs = 600_000;
let clones = 0;

/** Ports differ per process and clone, so that suites can run at the same time. */
function nextPortBase(): number {
  clones += 1;
  return 20_000 + ((process.pid * 7 + clones) % 1000) * 32;
}

export function cloneRepository(folder = mkdtempSync(join(tmpdir(), 'orrery-clone-'))): Clone {
  const root = join(folder, 'orrery');
  commitHead(root);
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  const portBase = nextPortBase();
  const state = join(root, '.orrery');
  shareTools(state);
  const start: Clone['start'] = (words, options = {}) =>
    spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'stacks/cli/main.ts', ...words], {
      cwd: root,
      env: { ...process.env, ORRERY_PORT_BASE: String(portBase), ORRERY_STATE: state, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const orrery: Clone['orrery'] = (words, options) => collect(start(words, options), options?.timeoutMs ?? timeoutMs);
  return {
    root,
    state,
    portBase,
    start,
    orrery,
    read: (file) => readFileSync(join(root, file), 'utf8'),
    write: (file, text) => writeFileSync(join(root, file), text),
    git: (...words) => run('git', words, root),
    commit(file, edit) {
      const before = readFileSync(join(root, file), 'utf8');
      const text = edit(before);
      if (text === before) throw new Error(`the edit of ${file} changed nothing`);
      writeFileSync(join(root, file), text);
      run('git', ['commit', '--quiet', '--message', `edit ${file}`, '--', file], root);
    },
    async remove() {
      await orrery(['down']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A repository of one commit: HEAD of this one, without what its own dev and prod stand on, so that every test begins at nothing.
 * It has no remote, to which leases would be pushed. The same HEAD gives the same commit in every clone.
 */
function commitHead(root: string): void {
  mkdirSync(root);
  const unpack = 'git -C "$0" archive HEAD | tar -xf - --exclude=stacks/records --exclude=stacks/pins';
  run('bash', ['-o', 'pipefail', '-c', unpack, repository], root);
  run('git', ['init', '--quiet', '--initial-branch=main'], root);
  run('git', ['config', 'user.email', 'test@orrery.invalid'], root);
  run('git', ['config', 'user.name', 'test'], root);
  run('git', ['add', '--all', '--force'], root);
  run('git', ['commit', '--quiet', '--message', 'HEAD', '--date=2026-01-01T00:00:00Z'], root, {
    GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  });
}

/** Python's packages and Redis are set up once, by the test command; a clone takes them as they are. */
function shareTools(state: string): void {
  mkdirSync(state);
  for (const tool of ['python', 'redis']) {
    const place = join(repository, '.orrery', tool);
    if (existsSync(place)) symlinkSync(place, join(state, tool));
  }
}

export function collect(child: ChildProcess, deadlineMs: number): Promise<Answer> {
  return new Promise((resolvePromise, reject) => {
    let [stdout, stderr] = ['', ''];
    const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolvePromise({ code, stdout, stderr, json: () => JSON.parse(stdout) as unknown });
    });
  });
}

function run(
  program: string,
  words: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): string {
  const result = spawnSync(program, words, { cwd, encoding: 'utf8', env: { ...process.env, ...env } });
  if (result.status === 0) return result.stdout;
  throw new Error(`${program} ${words.join(' ')} failed: ${result.stderr}`);
}
