import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../errors.ts';
import { git, gitAnswer } from '../release/git.ts';
import { firstDifference } from '../release/text-place.ts';
import type { AuditFault } from './audit-fault.ts';

export interface History {
  /** How many commits touched the records. */
  readonly commits: number;
  /** The clone lacks older commits: nothing is known of what they did. */
  readonly shallow: boolean;
  readonly faults: readonly AuditFault[];
}

const records = 'stacks/records';
const historyMaxMs = 300_000;

const deeds: Readonly<Record<string, string>> = {
  M: 'was edited: records are only ever added',
  D: 'was removed: records are only ever added',
  T: 'became another kind of file: records are only ever added',
};

/** Checks that every commit, against each of its parents, only added to the records, and that the working tree has them as HEAD does. */
export async function auditHistory(root: string): Promise<History> {
  const shallow = isShallow(root);
  const changes = await readHistory(root);
  const faults = changes.filter(({ status }) => status !== 'A').map((change) => faultOf(root, change));
  const commits = new Set(changes.map(({ commit }) => commit)).size;
  return { commits, shallow, faults: [...faults, ...(await auditWorkingTree(root))] };
}

function faultOf(root: string, { status, path, commit, parent }: Change): AuditFault {
  const [stood, stands] = [textAt(root, parent, path), textAt(root, commit, path)];
  const place = stands === undefined || stood === undefined ? undefined : firstDifference(stood, stands);
  const message = deeds[status] ?? `was changed (${status}): records are only ever added`;
  return { kind: 'history', path, message, commit, ...(place === undefined ? {} : { place }) };
}

interface Change {
  readonly status: string;
  readonly path: string;
  readonly commit: string;
  readonly parent: string;
}

/**
 * What each commit changed against each of its parents, oldest first. The trees are compared without git's simplification of a history,
 * which leaves out what a merge undid.
 */
async function readHistory(root: string): Promise<Change[]> {
  const empty = (await answered(root, ['hash-object', '-t', 'tree', '--stdin'], '')).trim();
  const lines = git(root, 'log', '--reverse', '--topo-order', '--format=%H %T %P', 'HEAD').split('\n');
  const known = lines.filter((line) => line !== '').map((line) => line.split(' '));
  const treeOf = new Map(known.map(([commit = '', tree = '']) => [commit, tree]));
  const pairs = known.flatMap(([commit = '', tree = '', ...parents]) =>
    (parents.length === 0 ? [''] : parents).map((parent) => ({
      commit,
      parent,
      // A parent that a shallow clone lacks is told apart by the caller.
      trees: `${treeOf.get(parent) ?? (parent === '' ? empty : tree)} ${tree}`,
    })),
  );
  const words = ['diff-tree', '--stdin', '-r', '--no-renames', '--name-status', '-z', '--', records];
  const text = await answered(root, words, `${pairs.map(({ trees }) => trees).join('\n')}\n`);
  const byTrees = new Map<string, { status: string; path: string }[]>();
  let current: { status: string; path: string }[] = [];
  for (const fields = text.split('\0'); fields.length > 1;) {
    // A line with the two trees stands before what differs between them, also where nothing does.
    const lead = (fields.shift() ?? '').split('\n');
    const status = lead.pop() ?? '';
    const compared = lead.at(-1);
    if (compared !== undefined) byTrees.set(compared, (current = []));
    current.push({ status, path: fields.shift() ?? '' });
  }
  return pairs.flatMap(({ commit, parent, trees }) =>
    (byTrees.get(trees) ?? []).map((change) => ({ ...change, commit, parent })),
  );
}

/** By content, whatever git's index was told to overlook. */
async function auditWorkingTree(root: string): Promise<AuditFault[]> {
  const listed = git(root, 'ls-tree', '-r', '-z', 'HEAD', '--', records).split('\0');
  const blobs = listed.flatMap((line) => {
    const [meta = '', path] = line.split('\t');
    return path === undefined ? [] : [{ path, blob: meta.split(' ')[2] ?? '' }];
  });
  const missing = blobs.filter(({ path }) => !existsSync(join(root, path)));
  const present = blobs.filter((one) => !missing.includes(one));
  const words = ['hash-object', '--no-filters', '--stdin-paths'];
  const found = (await answered(root, words, present.map(({ path }) => `${path}\n`).join(''))).split('\n');
  const edited = present.filter(({ blob }, index) => found[index] !== blob);
  return [
    ...missing.map(({ path }) => ({ kind: 'record' as const, path, message: 'is missing, HEAD has it' })),
    ...edited.map(({ path }) => {
      const place = firstDifference(textAt(root, 'HEAD', path) ?? '', readFileSync(join(root, path), 'utf8'));
      const message = 'differs from what is committed';
      return { kind: 'record' as const, path, message, ...(place === undefined ? {} : { place }) };
    }),
  ];
}

async function answered(root: string, words: readonly string[], input: string): Promise<string> {
  const { code, out, said } = await gitAnswer(root, words, { input, timeoutMs: historyMaxMs });
  if (code === 0) return out;
  const message = `git ${words[0] ?? ''} failed: ${said}`;
  throw new CommandError({ code: 'GIT_FAILED', message, hint: 'orrery works inside a git clone' });
}

function textAt(root: string, commit: string, path: string): string | undefined {
  if (commit === '') return undefined;
  try {
    return git(root, 'show', `${commit}:${path}`);
  } catch {
    return undefined;
  }
}

/** True for a clone that lacks older commits: what they did, or made, is not known there. */
export function isShallow(root: string): boolean {
  return git(root, 'rev-parse', '--is-shallow-repository').trim() === 'true';
}
