import { spawn, spawnSync } from 'node:child_process';
import { CommandError } from '../errors.ts';

/** Runs git in a repository and returns what it prints. Throws `GIT_FAILED` with git's own words. */
export function git(root: string, ...words: string[]): string {
  const result = spawnSync('git', words, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.status === 0) return result.stdout;
  throw new CommandError({
    code: 'GIT_FAILED',
    message: `git ${words.join(' ')} failed: ${(result.stderr || result.error?.message || '').trim()}`,
    hint: 'orrery works inside a git clone with at least one commit, and needs git on the PATH',
  });
}

export interface GitAnswer {
  readonly code: number;
  readonly out: string;
  /** What git said on its second output, for messages. */
  readonly said: string;
}

export interface GitOptions {
  readonly input?: string;
  /** Default 30,000: a remote that does not answer is told, not waited for. */
  readonly timeoutMs?: number;
}

/** Runs git beside other work, and returns how it ended. */
export function gitAnswer(root: string, words: readonly string[], options: GitOptions = {}): Promise<GitAnswer> {
  return new Promise((resolve) => {
    const child = spawn('git', words, {
      cwd: root,
      timeout: options.timeoutMs ?? 30_000,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [out, said] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdin.on('error', () => undefined).end(options.input ?? '');
    child.on('error', (error) => resolve({ code: 127, out, said: error.message }));
    child.on('close', (code, signal) => {
      resolve({ code: code ?? 1, out, said: said.trim() || (signal === null ? '' : `it was ended by ${signal}`) });
    });
  });
}

/** Whether a clone knows a remote of this name. */
export function hasRemote(root: string, name: string): boolean {
  return spawnSync('git', ['remote', 'get-url', name], { cwd: root, stdio: 'ignore' }).status === 0;
}

/** The commit that a revision names. Throws `COMMIT_UNKNOWN` (exit 2). */
export function resolveCommit(root: string, revision: string): string {
  const words = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
  const { status, stdout } = spawnSync('git', words, { cwd: root, encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  // Where there is no clone or no git, that is what is told.
  git(root, 'rev-parse', '--git-dir');
  throw new CommandError({
    code: 'COMMIT_UNKNOWN',
    message: `this clone has no commit ${revision}`,
    hint: 'git log shows what it has; git fetch brings what others have',
    exitCode: 2,
  });
}

/** Paths that differ from HEAD and are part of a release: all but its own records. */
export function uncommittedPaths(root: string): string[] {
  const outside = [':(exclude)stacks/records', ':(exclude)stacks/pins'];
  const lines = git(root, 'status', '--porcelain', '--untracked-files=all', '--', '.', ...outside).split('\n');
  return lines.filter((line) => line !== '').map((line) => line.slice(3));
}
