import { spawnSync } from 'node:child_process';
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

export function resolveCommit(root: string, revision: string): string {
  return git(root, 'rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`).trim();
}

/** Paths that differ from HEAD and are part of a release: all but its own records. */
export function uncommittedPaths(root: string): string[] {
  const outside = [':(exclude)stacks/records', ':(exclude)stacks/pins'];
  const lines = git(root, 'status', '--porcelain', '--untracked-files=all', '--', '.', ...outside).split('\n');
  return lines.filter((line) => line !== '').map((line) => line.slice(3));
}
