import type { Digest } from '@orrery/contracts/digest';

/** What a lease says of itself, for those who find it. */
export interface LockRecord {
  readonly schema: 1;
  readonly fence: number;
  /** Who holds it and what for, for example `anna@build-3: deploy dev`. */
  readonly holder: string;
  readonly sinceMs: number;
  /** When it ends unless it is renewed, by the holder's clock. */
  readonly untilMs: number;
  /** Given back: ended before its time. */
  readonly released: boolean;
  /** How far the holder's ledger goes: who comes next must have it. Absent for an empty one. */
  readonly ledger?: LedgerHead;
  /** The holder's processes, by which those on the same machine can tell that it is dead: when all are gone. */
  readonly processes: readonly HolderProcess[];
}

export interface HolderProcess {
  readonly machine: string;
  readonly pid: number;
  readonly started: string;
}

export interface LedgerHead {
  readonly number: number;
  readonly entry: Digest;
}

/**
 * Where leases are kept. A lease is a fence: a number that is taken once and for ever; the greatest is the one that counts. Every
 * method throws `LOCK_UNREACHABLE` when the place can't be read or written.
 */
export interface LockDriver {
  /** For messages: where a person would look. */
  readonly place: string;
  /** How often it is worth looking again while waiting. */
  readonly pollMs: number;
  /** Whether those who take leases here may each have records of their own, that must be brought together first. */
  readonly shared: boolean;
  /** The lease of the greatest fence; undefined before the first. */
  highest(): Promise<LockRecord | undefined>;
  /** Takes a fence. False when somebody has it: of all who try, exactly one gets true. */
  create(record: LockRecord): Promise<boolean>;
  /** Replaces what the holder said of its own lease. */
  renew(record: LockRecord): Promise<void>;
  /** Forgets the leases below a fence. */
  prune(below: number): Promise<void>;
}
