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
  /** The holder's process, by which those on the same machine can tell that it is dead. */
  readonly process: { readonly machine: string; readonly pid: number; readonly started: string };
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
  /** The lease of the greatest fence; undefined before the first. */
  highest(): Promise<LockRecord | undefined>;
  /** Takes a fence. False when somebody has it: of all who try, exactly one gets true. */
  create(record: LockRecord): Promise<boolean>;
  /** Replaces what the holder said of its own lease. */
  renew(record: LockRecord): Promise<void>;
  /** Forgets the leases below a fence. */
  prune(below: number): Promise<void>;
}
