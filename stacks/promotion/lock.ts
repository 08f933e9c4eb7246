import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@orrery/kit/clock';
import { CommandError } from '../errors.ts';
import type { Places } from '../release/places.ts';
import { isHolderDead, thisProcess } from './lock-holder.ts';
import { createFolderLock } from './lock-folder.ts';
import type { LockDriver, LockRecord } from './lock-driver.ts';
import { holdLease, type Lease } from './lease.ts';
import { readLedger } from './ledger.ts';

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
  /** Default: where this environment's leases are kept. */
  readonly driver?: LockDriver;
}

const defaultLeaseMs = 60_000;
const defaultSkewMs = 10_000;
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
  const driver = options.driver ?? driverOf(places, environment);
  const deadlineMs = systemClock.now() + (options.waitMs ?? 0);
  for (;;) {
    const found = await tryAcquire(places, environment, driver, options);
    if ('fence' in found) return found;
    if (systemClock.now() >= deadlineMs) throw locked(environment, found.by, driver);
    await systemClock.sleep(Math.min(driver.pollMs, Math.max(1, deadlineMs - systemClock.now())));
  }
}

/** Where an environment's leases are kept on this machine. */
export function locksFolder(places: Places, environment: string): string {
  return join(places.state, 'locks', environment);
}

function driverOf(places: Places, environment: string): LockDriver {
  return createFolderLock(locksFolder(places, environment));
}

async function tryAcquire(
  places: Places,
  environment: string,
  driver: LockDriver,
  options: LockOptions,
): Promise<Lease | { readonly by: LockRecord }> {
  const now = options.now ?? Date.now;
  const leaseMs = options.leaseMs ?? defaultLeaseMs;
  for (let race = 0; race < racesMax; race += 1) {
    // The ledger first: a fence that it shows was taken before, so the leases that are read next hold it, or a greater one.
    const written = readLedger(places, environment).at(-1)?.fence ?? 0;
    const highest = await driver.highest();
    if (highest !== undefined && isHeld(highest, now(), options.skewMs ?? defaultSkewMs)) return { by: highest };
    const sinceMs = now();
    const record: LockRecord = {
      schema: 1,
      fence: Math.max(written, highest?.fence ?? 0) + 1,
      holder: `${options.holder} on ${hostname()}`,
      sinceMs,
      untilMs: sinceMs + leaseMs,
      released: false,
      process: thisProcess(),
    };
    const lease = holdLease({ environment, driver, record, leaseMs, now });
    // Looked at again: a fence that was looked up long ago may be one that has been taken, ended and forgotten since.
    if ((await driver.create(record)) && (await driver.highest())?.fence === record.fence) {
      await driver.prune(record.fence - leasesKept);
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

/** Whether a lease still counts, by this machine's clock; one of another machine counts longer by what the clocks may differ. */
function isHeld(record: LockRecord, nowMs: number, skewMs: number): boolean {
  if (record.released || isHolderDead(record.process)) return false;
  const same = record.process.machine !== '' && record.process.machine === thisProcess().machine;
  return nowMs < record.untilMs + (same ? 0 : skewMs);
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
