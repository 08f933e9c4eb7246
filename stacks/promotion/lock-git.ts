import { CommandError, messageOf } from '../errors.ts';
import { gitAnswer, type GitAnswer } from '../release/git.ts';
import type { LockDriver, LockRecord } from './lock-driver.ts';

interface Ref {
  readonly fence: number;
  readonly oid: string;
}

/** Once more when the remote has what an earlier push brought there unheard. */
const pushesMax = 2;

/** A lease is a commit without files, by nobody: hosts of git take refs outside their branches as long as they name commits. */
const author = ['-c', 'user.name=orrery', '-c', 'user.email=orrery@localhost'];

/**
 * Leases as refs `refs/orrery/locks/<env>/<fence>` of a remote: taken by a push that demands that the ref does not exist, so that all
 * who deploy from different machines share them.
 */
export function createGitLock(root: string, remote: string, environment: string): LockDriver {
  return new GitLock(root, remote, `refs/orrery/locks/${environment}`);
}

class GitLock implements LockDriver {
  readonly place: string;
  readonly pollMs = 2000;
  readonly shared = true;
  private readonly root: string;
  private readonly remote: string;
  private readonly prefix: string;
  /** What this process has pushed, by fence: what the next push of the ref demands to find. */
  private readonly own = new Map<number, string>();
  /** Everything that this process has tried to push: a push may arrive although nothing is heard of it. */
  private readonly tried = new Set<string>();

  constructor(root: string, remote: string, prefix: string) {
    this.root = root;
    this.remote = remote;
    this.prefix = prefix;
    this.place = `${prefix}/ of the remote ${remote}`;
  }

  async highest(): Promise<LockRecord | undefined> {
    const last = (await this.refs()).at(-1);
    return last === undefined ? undefined : this.read(last);
  }

  async create(record: LockRecord): Promise<boolean> {
    return this.push(record, '');
  }

  async renew(record: LockRecord): Promise<void> {
    for (let attempt = 0; attempt < pushesMax; attempt += 1) {
      const expected = this.own.get(record.fence) ?? '';
      if (await this.push(record, expected)) return;
      if (this.own.get(record.fence) === expected) break;
    }
    throw this.unreachable(`${this.ref(record.fence)} is no longer ours`);
  }

  async prune(below: number): Promise<void> {
    const old = (await this.refs()).filter((ref) => ref.fence < below);
    if (old.length > 0)
      await this.git(['push', '--quiet', '--no-verify', this.remote, ...old.map((one) => `:${this.ref(one.fence)}`)]);
  }

  private async refs(): Promise<Ref[]> {
    const text = await this.git(['ls-remote', this.remote, `${this.prefix}/*`]);
    const refs = text.split('\n').flatMap((line) => {
      const [oid = '', name = ''] = line.split('\t');
      const fence = Number(name.slice(this.prefix.length + 1));
      return name !== '' && Number.isInteger(fence) ? [{ fence, oid }] : [];
    });
    return refs.sort((left, right) => left.fence - right.fence);
  }

  private async read({ fence, oid }: Ref): Promise<LockRecord> {
    const here = await this.answer(['cat-file', '-e', oid]);
    if (here.code !== 0) {
      await this.git([
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        '--refmap=',
        this.remote,
        this.ref(fence),
      ]);
    }
    try {
      return JSON.parse(await this.git(['log', '-1', '--format=%B', oid])) as LockRecord;
    } catch (cause) {
      throw this.unreachable(`${this.ref(fence)} holds no lease: ${messageOf(cause)}`);
    }
  }

  /** Pushes where the remote has `expected` ('' for nothing). False when it has something else. */
  private async push(record: LockRecord, expected: string): Promise<boolean> {
    const ref = this.ref(record.fence);
    const tree = (await this.git(['mktree'], '')).trim();
    const oid = (await this.git(['commit-tree', tree, '-F', '-'], JSON.stringify(record))).trim();
    this.tried.add(oid);
    const words = [
      'push',
      '--quiet',
      '--no-verify',
      `--force-with-lease=${ref}:${expected}`,
      this.remote,
      `${oid}:${ref}`,
    ];
    const pushed = await this.answer(words);
    // What counts is what the remote has: an answer can get lost after the ref was taken.
    const found = pushed.code === 0 ? oid : (await this.refs()).find((one) => one.fence === record.fence)?.oid;
    if (found === undefined) throw this.unreachable(pushed.said);
    if (this.tried.has(found)) this.own.set(record.fence, found);
    return found === oid;
  }

  private ref(fence: number): string {
    return `${this.prefix}/${fence}`;
  }

  private async git(words: readonly string[], input?: string): Promise<string> {
    const { code, out, said } = await this.answer(words, input);
    if (code === 0) return out;
    throw this.unreachable(`git ${words[0] ?? ''}: ${said}`);
  }

  private answer(words: readonly string[], input?: string): Promise<GitAnswer> {
    return gitAnswer(this.root, [...author, ...words], input === undefined ? {} : { input });
  }

  private unreachable(reason: string): CommandError {
    return new CommandError({
      code: 'LOCK_UNREACHABLE',
      message: `the leases in ${this.place} can't be read or written: ${reason}`,
      hint: 'deploy where that remote can be pushed to; when it is down and nobody else deploys: --lock-here',
    });
  }
}
