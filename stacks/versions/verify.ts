import { entriesOf, type PinnedEntry, type PinnedVersions, type Place } from './pinned-versions.ts';
import type { Answer, Publisher } from './publisher.ts';

/** What became of one version. */
export interface Outcome {
  readonly place: Place;
  readonly entry: PinnedEntry;
  /**
   * `verified`: its publisher has it, and the digest if any is the pinned one. `differs`: it has another digest under that version.
   * `wrong`: it has no such version. `unasked`: it could not be asked, and stays as it was.
   */
  readonly state: 'verified' | 'differs' | 'wrong' | 'unasked';
  /** For all but `verified`. */
  readonly reason: string;
}

/** Asks every version's publisher, one after the other. Changes nothing. */
export async function verifyVersions(
  versions: PinnedVersions,
  publishers: readonly Publisher[],
  today: string,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [place, entry] of entriesOf(versions)) {
    const publisher = publishers.find(({ group }) => group === place.group);
    const answer: Answer =
      publisher === undefined
        ? { kind: 'unreachable', reason: `nobody here knows whom to ask about ${place.group}` }
        : await publisher.ask(place, entry);
    outcomes.push(judge(place, entry, { answer, today }));
  }
  return outcomes;
}

function judge(
  place: Place,
  entry: PinnedEntry,
  { answer, today }: { readonly answer: Answer; readonly today: string },
): Outcome {
  if (answer.kind === 'unreachable') return { place, entry, state: 'unasked', reason: answer.reason };
  if (answer.kind === 'unknown') return { place, entry, state: 'wrong', reason: answer.reason };
  const { digest, source } = answer;
  const pinned = entry.digest ?? undefined;
  if (pinned !== undefined && digest !== undefined && pinned !== digest) {
    const reason = `pinned ${pinned}, but its publisher now has ${digest} under ${entry.version}`;
    return { place, entry, state: 'differs', reason };
  }
  const filled = digest === undefined || entry.digest === undefined ? {} : { digest };
  const verified = { ...entry, ...filled, verified: true, source: `${source}, ${today}` };
  return { place, entry: verified, state: 'verified', reason: '' };
}
