import { parse } from 'yaml';
import type { Digest } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import type { DefinitionChange } from './change.ts';
import { namesOf } from './service.ts';
import type { Context, Side } from './side.ts';
import { diffValues, type ValueChange } from './values.ts';

interface Definition {
  readonly digest: Digest;
  readonly services: readonly string[];
}

/** Workflows, pipelines, feature sets and models: added, removed, or changed field by field. */
export function compareDefinitions(base: Side | undefined, head: Side, { object }: Context): DefinitionChange[] {
  const [before, after] = [definitionsOf(base?.release), definitionsOf(head.release)];
  return namesOf(before, after).flatMap((path) => {
    const [from, to] = [before[path], after[path]];
    if (from?.digest === to?.digest) return [];
    const change: DefinitionChange = {
      path,
      services: [...new Set([...(from?.services ?? []), ...(to?.services ?? [])])].sort(),
      operation: from === undefined ? 'added' : to === undefined ? 'removed' : 'changed',
      digest: { before: from?.digest ?? null, after: to?.digest ?? null },
      fields: from === undefined || to === undefined ? [] : diffTexts(path, [from.digest, to.digest], object),
    };
    return [change];
  });
}

/** One definition may belong to several services. */
function definitionsOf(release: Release | undefined): Record<string, Definition> {
  const found: Record<string, Definition> = {};
  for (const [name, { definitions }] of Object.entries(release?.services ?? {})) {
    for (const [path, digest] of Object.entries(definitions)) {
      found[path] = { digest, services: [...(found[path]?.services ?? []), name] };
    }
  }
  return found;
}

/** Null where it can't be told: no YAML, not at hand. Empty: the fields are the same, the text (a comment) is not. */
function diffTexts(path: string, digests: readonly Digest[], object: Context['object']): ValueChange[] | null {
  const [before, after] = digests.map((digest) => object(digest)?.toString('utf8'));
  if (!path.endsWith('.yaml') || before === undefined || after === undefined) return null;
  try {
    return diffValues(parse(before), parse(after));
  } catch {
    return null;
  }
}
