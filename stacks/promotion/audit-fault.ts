import type { TextPlace } from '../release/text-place.ts';

/** One thing that is not as it was recorded. */
export interface AuditFault {
  readonly kind: 'history' | 'record' | 'ledger' | 'pin' | 'object';
  /** The file, from the clone's root or from the state folder. */
  readonly path: string;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** The commit that did it, where git knows. */
  readonly commit?: string;
  /** The first wrong byte of a text. */
  readonly place?: TextPlace;
  /** The first wrong byte of an object, counted from 0, where a copy that is right could be made. */
  readonly offset?: number;
}

/** The place of the first byte at which two contents differ. */
export function firstOffset(left: Buffer, right: Buffer): number {
  let at = 0;
  while (at < left.length && at < right.length && left[at] === right[at]) at += 1;
  return at;
}

/** As a person reads it: the place first, then what is wrong with it. */
export function formatFault({ path, message, commit, place, offset }: AuditFault): string {
  const where = place === undefined ? path : `${path}:${place.line}:${place.column}`;
  const by = commit === undefined ? '' : ` (commit ${commit.slice(0, 12)})`;
  const texts = place === undefined ? '' : `\n    stands: ${place.stands}\n    stood:  ${place.stood}`;
  const byte = offset === undefined ? '' : `, first at byte ${offset}`;
  return `${where} ${message}${byte}${by}${texts}`;
}
