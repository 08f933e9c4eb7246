import { existsSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { digestOf, shortDigest } from '@orrery/contracts/digest';
import type { LedgerEntry, PinMoved } from '@orrery/contracts/ledger';
import { Pin } from '@orrery/contracts/pin';
import { CommandError, messageOf } from '../errors.ts';
import { pinFile, type Places } from '../release/places.ts';
import { outdated, writeRecord } from '../release/records.ts';
import { appendEntry, movesOf, readLedger, type EntryOf } from './ledger.ts';

const checkPin = new Ajv2020({ allErrors: true, strict: false }).compile<Pin>(Pin);

/** How often the file is written again because the ledger moved on meanwhile. */
const settlesMax = 10;

export interface PinChange {
  readonly kind: PinMoved['kind'];
  readonly pin: Pin;
  readonly actor: string;
  readonly reason: string;
  readonly at: string;
  /** The fence of the lease that the mover holds. */
  readonly fence: number;
}

/** What an environment stands on; undefined before its first pin. */
export function readPin(places: Places, environment: string): Pin | undefined {
  const file = pinFile(places, environment);
  if (!existsSync(file)) return undefined;
  let pin: unknown;
  try {
    pin = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw broken(file, `can't be read: ${messageOf(cause)}`);
  }
  if (checkPin(pin)) return pin;
  if ((pin as { schema?: unknown } | null)?.schema === 1) throw outdated(file);
  const [first] = checkPin.errors ?? [];
  throw broken(file, `is no pin: ${first?.instancePath ?? ''} ${first?.message ?? 'has another form'}`);
}

/** Moves the pin: first the ledger, then the file, so that a pin without an entry can't be. Returns the entry. */
export function movePin(places: Places, environment: string, change: PinChange): EntryOf<PinMoved> {
  const { kind, pin, actor, reason, at, fence } = change;
  const entry = appendEntry<PinMoved>(places, environment, {
    at,
    actor,
    reason,
    fence,
    event: (ledger) => ({ kind, pin, from: digestOfPin(lastMove(ledger)?.event.pin) }),
  });
  settlePin(places, environment);
  return entry;
}

/**
 * Makes the file say what the ledger's last move says: finishes a move that was killed between the two. It looks again after writing,
 * so that of two movers the later move stays, whoever writes last.
 */
export function settlePin(places: Places, environment: string): void {
  for (let settle = 0; settle < settlesMax; settle += 1) {
    const last = lastMove(readLedger(places, environment));
    if (last === undefined || isDeepStrictEqual(readPin(places, environment), last.event.pin)) return;
    writeRecord(pinFile(places, environment), last.event.pin);
  }
}

/** The entry that says what the environment stands on. */
export function lastMove(ledger: readonly LedgerEntry[]): EntryOf<PinMoved> | undefined {
  return movesOf(ledger).at(-1)?.entry;
}

/** The pin, which must be what the ledger's last move says: who edits the file moves nothing. */
export function assertPinMoved(places: Places, environment: string): Pin {
  const pin = readPin(places, environment);
  const moved = lastMove(readLedger(places, environment));
  if (pin === undefined) {
    throw pinMissing(environment, `npx orrery release create, then npx orrery pin ${environment} RELEASE`);
  }
  if (moved !== undefined && isDeepStrictEqual(pin, moved.event.pin)) return pin;
  const says = moved === undefined ? 'is empty' : `ends at ${shortDigest(moved.event.pin.release)}`;
  throw new CommandError({
    code: 'PIN_NOT_IN_LEDGER',
    message: `stacks/pins/${environment}.json names ${shortDigest(pin.release)}, which the ledger of ${environment} does not: it ${says}`,
    hint: `a pin moves by the command alone: git checkout -- stacks/pins/${environment}.json, then npx orrery pin ${environment} RELEASE`,
    exitCode: 3,
  });
}

function digestOfPin(pin: Pin | undefined) {
  return pin === undefined ? null : digestOf('pin', pin);
}

function broken(file: string, reason: string): CommandError {
  return new CommandError({
    code: 'PIN_BROKEN',
    message: `${file} ${reason}`,
    hint: 'pins are written by orrery alone: restore the file (git checkout -- the file, where git has it)',
    exitCode: 3,
  });
}

/** For whoever needs an environment to stand on something; the hint says what to do instead, there. */
export function pinMissing(environment: string, hint: string): CommandError {
  return new CommandError({
    code: 'PIN_MISSING',
    message: `${environment} stands on no release: it has no pin`,
    hint,
    exitCode: 2,
  });
}
