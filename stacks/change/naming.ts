import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { shortDigest } from '@orrery/contracts/digest';
import { CommandError } from '../errors.ts';
import { localEnvironment, type Places } from '../release/places.ts';
import { listReleases, readRelease, type RecordedRelease } from '../release/records.ts';
import { levels, type Level } from './change.ts';

export const workingTreeName = 'working-tree';

/** What a word of the command names. */
export type Named =
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'release'; readonly recorded: RecordedRelease }
  | { readonly kind: 'working-tree' };

/** An environment, `working-tree`, or the beginning of a release's digest. Throws `USAGE` with the nearest that there is. */
export function resolveName(places: Places, word: string): Named {
  if (word === workingTreeName) return { kind: 'working-tree' };
  if (knownEnvironments(places).includes(word)) return { kind: 'environment', name: word };
  if (/^(sha256:)?[0-9a-f]{4,64}$/.test(word)) return { kind: 'release', recorded: readRelease(places, word) };
  throw unknownWord(word, [...knownEnvironments(places), workingTreeName, ...releaseNames(places)]);
}

/** Every environment that has a file of settings: `Pulumi.<env>.yaml`. */
export function knownEnvironments({ root }: Places): string[] {
  return readdirSync(root)
    .flatMap((file) => /^Pulumi\.([a-z0-9-]+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort();
}

/** Those that a pull request concerns: all but the machine's own. */
export function sharedEnvironments(places: Places): string[] {
  return knownEnvironments(places).filter((name) => name !== localEnvironment);
}

export function hasSettings({ root }: Places, environment: string): boolean {
  return existsSync(join(root, `Pulumi.${environment}.yaml`));
}

/** The levels that were asked for, separated by commas or given one by one; all without any. */
export function readLevels(words: readonly string[]): readonly Level[] {
  const asked = words.flatMap((word) => word.split(',')).filter((word) => word !== '');
  const unknown = asked.find((word) => !isLevel(word));
  if (unknown !== undefined) throw unknownWord(unknown, levels, 'level');
  return asked.length === 0 ? levels : levels.filter((level) => asked.includes(level));
}

function isLevel(word: string): word is Level {
  return (levels as readonly string[]).includes(word);
}

/** A record that can't be read is told by the command that reads it, not by a hint. */
function releaseNames(places: Places): string[] {
  try {
    return listReleases(places).map(({ digest }) => shortDigest(digest));
  } catch {
    return [];
  }
}

function unknownWord(
  word: string,
  choices: readonly string[],
  what = 'environment, release or working tree',
): CommandError {
  return new CommandError({
    code: 'USAGE',
    message: `"${word}" is no ${what}`,
    hint: `did you mean "${closest(word, [...choices])}"? there is: ${choices.join(', ')}`,
    exitCode: 2,
  });
}
