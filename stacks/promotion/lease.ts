import { CommandError } from '../errors.ts';
import type { LedgerHead, LockDriver, LockRecord } from './lock-driver.ts';
import { holderProcess } from './lock-holder.ts';

/** The right to change an environment, until it is released, lapses, or somebody with a greater fence takes over. */
export interface Lease {
  readonly fence: number;
  /** Throws `FENCED_OFF` (exit 3) when it is no longer held: asked before every step that changes something. */
  assertHeld(): Promise<void>;
  /** How long it lasts unless it is renewed; 0 once it is lost. */
  remainingMs(): number;
  /** Says that another process works under it: nobody counts the holder as dead before that one has ended, too. */
  include(pid: number): Promise<void>;
  /** Gives it back; does nothing when it was lost. */
  release(): Promise<void>;
}

export interface HeldLease extends Lease {
  /** Stops renewing, and leaves what is kept as it is. */
  abandon(): Promise<void>;
}

export interface LeaseOptions {
  readonly environment: string;
  readonly driver: LockDriver;
  readonly record: LockRecord;
  readonly leaseMs: number;
  readonly now: () => number;
  /** How far the ledger goes at this moment. */
  readonly head: () => LedgerHead | undefined;
}

/** A lease is renewed this many times in its duration, so that two renewals may fail. */
const renewalsPerLease = 3;

/**
 * A lease that renews itself. Its holder counts it as lost as soon as its time is over, by the time of day as by the time that has
 * passed, while others wait longer: so a holder that was paused stops before anybody else begins.
 */
export function holdLease(options: LeaseOptions): HeldLease {
  const { environment, driver, leaseMs, now } = options;
  const withHead = (next: LockRecord): LockRecord => {
    const ledger = options.head();
    return ledger === undefined ? next : { ...next, ledger };
  };
  let record = options.record;
  // Kept apart from what was written last: who joined is told by the next renewal that passes.
  let { processes } = record;
  let renewedAt = performance.now();
  let ended = false;
  let turn: Promise<void> = Promise.resolve();

  const lapsed = () => now() >= record.untilMs || performance.now() - renewedAt >= leaseMs;
  const renew = async () => {
    if (ended || lapsed()) return;
    const [at, next] = [performance.now(), withHead({ ...record, processes, untilMs: now() + leaseMs })];
    if ((await driver.highest())?.fence !== record.fence) return;
    await driver.renew(next);
    [renewedAt, record] = [at, next];
  };
  // A renewal that fails is tried again at the next turn; when none succeeds in time, the lease lapses.
  const timer = setInterval(() => {
    turn = turn.then(renew).catch(() => undefined);
  }, leaseMs / renewalsPerLease).unref();

  const stop = async () => {
    ended = true;
    clearInterval(timer);
    await turn;
  };
  return {
    fence: record.fence,
    async assertHeld() {
      if (ended) throw fencedOff(environment, record, 'it was given back');
      if (lapsed()) throw fencedOff(environment, record, `it lapsed after ${leaseMs / 1000} s without a renewal`);
      const highest = await driver.highest();
      if (highest !== undefined && highest.fence > record.fence)
        throw fencedOff(environment, record, `${highest.holder} has taken over with fence ${highest.fence}`);
    },
    remainingMs() {
      if (ended || lapsed()) return 0;
      return Math.min(record.untilMs - now(), renewedAt + leaseMs - performance.now());
    },
    async include(pid) {
      processes = [...processes, holderProcess(pid)];
      const included = turn.then(renew);
      turn = included.catch(() => undefined);
      await included;
    },
    async release() {
      if (ended) return;
      await stop();
      if (lapsed() || (await driver.highest())?.fence !== record.fence) return;
      await driver.renew(withHead({ ...record, released: true }));
    },
    abandon: stop,
  };
}

function fencedOff(environment: string, record: LockRecord, why: string): CommandError {
  return new CommandError({
    code: 'FENCED_OFF',
    message: `this one no longer holds the lock of ${environment} (fence ${record.fence}): ${why}`,
    hint: 'nothing more was done; see where the environment stands, then run the same command again',
    exitCode: 3,
  });
}
