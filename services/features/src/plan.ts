import { canonicalJson, digestOfBytes } from '@orrery/contracts/digest';
import { shiftDay } from './days.ts';

/** Of a day: how many rows, and a hash that is the same in any order. */
export interface DayDigest {
  readonly day: string;
  readonly rows: number;
  readonly hash: string;
}

/** A line of the ledger. */
export interface ComputedDay extends DayDigest {
  readonly inputs: string;
}

export interface PlanOptions {
  readonly days: readonly string[];
  /** How far back a window reaches. */
  readonly historyDays: number;
  readonly rows: ReadonlyMap<string, DayDigest>;
  /** Day -> what the past holds of it, one digest a table. */
  readonly history: ReadonlyMap<string, readonly DayDigest[]>;
  readonly ledger: ReadonlyMap<string, ComputedDay>;
  /** What lies in the partitions. */
  readonly partitions: ReadonlyMap<string, DayDigest>;
}

export interface PlannedDay {
  readonly day: string;
  /** Digest of all that the day's features follow from, but for the feature set itself. */
  readonly inputs: string;
  readonly rows: number;
  /** The partition holds what the ledger says was computed from these inputs. */
  readonly reused: boolean;
}

/** Which days have to be computed. A day is reused only when its inputs and what lies in its partition are as the ledger says. */
export function planDays(options: PlanOptions): PlannedDay[] {
  return options.days.map((day) => {
    const inputs = inputsOf(day, options);
    const rows = options.rows.get(day)?.rows ?? 0;
    const computed = options.ledger.get(day);
    const partition = options.partitions.get(day);
    const intact = computed?.rows === (partition?.rows ?? 0) && computed.hash === (partition?.hash ?? emptyHash);
    return { day, inputs, rows, reused: computed?.inputs === inputs && intact };
  });
}

/** The hash of no rows. */
export const emptyHash = '0000000000000000';

function inputsOf(day: string, { rows, history, historyDays }: PlanOptions): string {
  const past = Array.from({ length: historyDays }, (_, index) => shiftDay(day, index - historyDays));
  const entry = ({ rows: count, hash }: DayDigest) => [count, hash];
  return digestOfBytes(
    canonicalJson({
      rows: [rows.get(day)].map((digest) => (digest === undefined ? null : entry(digest))),
      past: past.map((each) => (history.get(each) ?? []).map(entry)),
    }),
  );
}

/** Cuts a list into parts of at most `size`. */
export function cutIntoParts<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
