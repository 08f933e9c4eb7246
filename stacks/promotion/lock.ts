import { hostname } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@orrery/contracts/digest';
import { systemClock } from '@orrery/kit/clock';
import { CommandError, messageOf } from '../errors.ts';
import { hasRemote } from '../release/git.ts';
import { isLocal, type Places } from '../release/places.ts';
import { holdLease, type Lease } from './lease.ts';
import { readLedger } from './ledger.ts';
import type { LedgerHead, LockDriver, LockRecord } from './lock-driver.ts';
import { createFolderLock } from './lock-folder.ts';
import { createGitLock } from './lock-git.ts';
import { holderProcess, isHolderDead, isSameMachine } from './lock-holder.ts';

export type { Lease } from './lease.ts';

export interface LockOptions {
  /** Who asks and what for, for example `anna: deploy dev`; the machine's name is added. */
  readonly holder: string;
  /** Default 60,000. It is renewed at a third of this while it is held. */
  readonly leaseMs?: number;
  /** How long to wait for somebody else's lease to end. Default 0: throw at once. */
  readonly waitMs?: number;
  /** By how much the clocks of two machines may differ before both can hold a lease. Default 10,000. */
  readonly skewMs?: number;
  readonly now?: () => number;
  /**
   * Whom it keeps out. `environment` (default): everybody who deploys it, by the remote `origin` where there is one. `clone`: only those
   * in this clone, for what reaches the others by a commit.
   */
  readonly scope?: 'environment' | 'clone';
  /** Goes on although the last holder's ledger went further than this clone's: its entries are lost with its machine. */
  readonly acceptsLostEntries?: boolean;
}

type Request = Required<Omit<LockOptions, 'waitMs' | 'scope'>> & {
  readonly places: Places;
  readonly environment: string;
};

const remote = 'origin';
/** How often a fence is tried that somebody else took in the same moment. */
const racesMax = 100;
/** How many ended leases stay, for people to look at. */
const leasesKept = 20;

/**
 * Takes the right to change an environment, which only one has at a time. Throws `ENVIRONMENT_LOCKED` (exit 3), naming who has it
 * and until when. A lease whose holder is dead (told by its process on the same machine) or whose time is over is succeeded by
 * the next greater fence.
 */
export async function acquireLock(places: Places, environment: string, options: LockOptions): Promise<Lease> {
  const { waitMs = 0, scope = 'environment' } = options;
  const request: Request = {
    leaseMs: 60_000,
    skewMs: 10_000,
    now: Date.now,
    acceptsLostEntries: false,
    ...options,
    places,
    environment,
  };
  const deadlineMs = systemClock.now() + waitMs;
  const here = await acquire(createFolderLock(locksFolder(places, environment)), request, deadlineMs);
  if (isLocal(environment) || scope === 'clone' || !hasRemote(places.root, remote)) return here;
  try {
    const everywhere = await acquire(createGitLock(places.root, remote, environment), request, deadlineMs);
    return both(everywhere, here);
  } catch (error) {
    await here.release();
    throw error;
  }
}

export interface UnderLockOptions extends LockOptions {
  readonly progress: (line: string) => void;
}

/**
 * Does something while it holds the lock. A lease that can't be given back ends by itself: that is told, and hides neither what was
 * done nor why it failed.
 */
export async function underLock<T>(
  places: Places,
  environment: string,
  options: UnderLockOptions,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const lease = await acquireLock(places, environment, options);
  try {
    return await work(lease);
  } finally {
    await lease.release().catch((error: unknown) => {
      options.progress(`the lock of ${environment} was not given back, its lease ends by itself: ${messageOf(error)}`);
    });
  }
}

/** Where an environment's leases are kept on this machine. */
export function locksFolder(places: Places, environment: string): string {
  return join(places.state, 'locks', environment);
}

function both(outer: Lease, inner: Lease): Lease {
  return {
    fence: outer.fence,
    remainingMs: () => Math.min(outer.remainingMs(), inner.remainingMs()),
    async include(pid) {
      await inner.include(pid);
      await outer.include(pid);
    },
    async assertHeld() {
      await inner.assertHeld();
      await outer.assertHeld();
    },
    async release() {
      try {
        await outer.release();
      } finally {
        await inner.release();
      }
    },
  };
}

async function acquire(driver: LockDriver, request: Request, deadlineMs: number): Promise<Lease> {
  for (;;) {
    const found = await tryAcquire(driver, request);
    if ('fence' in found) return found;
    const leftMs = deadlineMs - systemClock.now();
    if (leftMs <= 0) throw locked(request.environment, found.by, driver);
    await systemClock.sleep(Math.min(driver.pollMs, leftMs));
  }
}

async function tryAcquire(driver: LockDriver, request: Request): Promise<Lease | { readonly by: LockRecord }> {
  const { places, environment, leaseMs, now } = request;
  for (let race = 0; race < racesMax; race += 1) {
    // The ledger first: a fence that it shows was taken before, so the leases that are read next hold it, or a greater one.
    const written = readLedger(places, environment).at(-1)?.fence ?? 0;
    const highest = await driver.highest();
    if (highest !== undefined && isHeld(highest, request)) return { by: highest };
    if (highest !== undefined && !request.acceptsLostEntries) assertKnows(request, highest);
    const sinceMs = now();
    const head = () => (driver.shared ? headOf(places, environment) : undefined);
    const ledger = head();
    const record: LockRecord = {
      schema: 1,
      fence: Math.max(written, highest?.fence ?? 0) + 1,
      holder: `${request.holder} on ${hostname()}`,
      sinceMs,
      untilMs: sinceMs + leaseMs,
      released: false,
      processes: [holderProcess()],
      ...(ledger === undefined ? {} : { ledger }),
    };
    const lease = holdLease({ environment, driver, record, leaseMs, now, head });
    const isOurs = await takes(driver, record).catch(async (error: unknown) => {
      await lease.abandon();
      throw error;
    });
    if (isOurs) {
      // Old leases do no harm: where they can't be removed, they stay.
      await driver.prune(record.fence - leasesKept).catch(() => undefined);
      return lease;
    }
    await lease.abandon();
  }
  throw new CommandError({
    code: 'LOCK_CONTENDED',
    message: `others took the lock of ${environment} ${racesMax} times in a row`,
    hint: 'see who else deploys it, then try again',
    exitCode: 3,
  });
}

/** Looked at again once taken: a fence that was looked up long ago may be one that has been taken, ended and forgotten since. */
async function takes(driver: LockDriver, record: LockRecord): Promise<boolean> {
  return (await driver.create(record)) && (await driver.highest())?.fence === record.fence;
}

/** Whether a lease still counts, by this machine's clock; one of another machine counts longer by what the clocks may differ. */
function isHeld(record: LockRecord, { now, skewMs }: Request): boolean {
  if (record.released || isHolderDead(record)) return false;
  return now() < record.untilMs + (isSameMachine(record) ? 0 : skewMs);
}

/** Who deploys without the entries of the last deployer would write the same numbers again, and undo what it does not know of. */
function assertKnows({ places, environment }: Request, last: LockRecord): void {
  const { ledger } = last;
  if (ledger === undefined) return;
  const here = readLedger(places, environment);
  const entry = here[ledger.number - 1];
  if (entry !== undefined && digestOf('ledger-entry', entry) === ledger.entry) return;
  throw new CommandError({
    code: 'LEDGER_STALE',
    message: `the ledger of ${environment} ends at entry ${here.length} here, ${last.holder} went on to entry ${ledger.number}`,
    hint: 'pull what it committed; when it is lost with its machine: --entries-lost',
    exitCode: 3,
  });
}

function headOf(places: Places, environment: string): LedgerHead | undefined {
  const last = readLedger(places, environment).at(-1);
  return last === undefined ? undefined : { number: last.number, entry: digestOf('ledger-entry', last) };
}

function locked(environment: string, by: LockRecord, driver: LockDriver): CommandError {
  const time = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  return new CommandError({
    code: 'ENVIRONMENT_LOCKED',
    message: `${environment} is held by ${by.holder} since ${time(by.sinceMs)}, until ${time(by.untilMs)} or as long as it goes on working (fence ${by.fence})`,
    hint: `wait for it: --wait 300. When it is dead, its lease ends by itself; it is kept in ${driver.place}`,
    exitCode: 3,
  });
}
