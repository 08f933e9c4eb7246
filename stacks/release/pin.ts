import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { digestOf, type Digest } from '@orrery/contracts/digest';
import { LedgerEntry, Pin } from '@orrery/contracts/release';
import { CommandError, messageOf } from '../errors.ts';
import { ledgerFile, pinFile, type Places } from './places.ts';
import { writeRecord } from './records.ts';

const ajv = new Ajv2020({ allErrors: true, strict: false });
const checkPin = ajv.compile<Pin>(Pin);
const checkEntry = ajv.compile<LedgerEntry>(LedgerEntry);

export interface PinChange {
  readonly kind: LedgerEntry['kind'];
  readonly release: Digest;
  readonly binding: Digest;
  readonly actor: string;
  readonly reason: string;
  readonly at: string;
}

/** What an environment stands on; undefined before its first pin. */
export function readPin(places: Places, environment: string): Pin | undefined {
  const file = pinFile(places, environment);
  if (!existsSync(file)) return undefined;
  const pin = parse(file, readFileSync(file, 'utf8'));
  if (checkPin(pin)) return pin;
  throw broken(file, checkPin.errors?.[0]?.message ?? 'is no pin');
}

/** Moves the pin: first the ledger, then the pin, so that a pin without an entry can't be. Returns the entry. */
export function movePin(places: Places, environment: string, change: PinChange): LedgerEntry {
  const ledger = readLedger(places, environment);
  const last = ledger.at(-1);
  const entry: LedgerEntry = {
    schema: 1,
    number: (last?.number ?? 0) + 1,
    previous: last === undefined ? null : digestOf('ledger-entry', last),
    kind: change.kind,
    pin: { schema: 1, release: change.release, binding: change.binding },
    at: change.at,
    actor: change.actor,
    reason: change.reason,
  };
  const file = ledgerFile(places, environment);
  mkdirSync(dirname(file), { recursive: true });
  cutTornLine(file);
  appendFileSync(file, `${JSON.stringify(entry)}\n`, { flush: true });
  writeRecord(pinFile(places, environment), entry.pin);
  return entry;
}

/**
 * Finishes a move that was killed between the ledger and the pin: what the ledger says last is what was deployed. Only for the
 * machine's own environment; elsewhere a pin moves by review.
 */
export function settlePin(places: Places, environment: string): void {
  const last = readLedger(places, environment).at(-1);
  const pin = readPin(places, environment);
  if (last === undefined || (pin !== undefined && digestOf('pin', pin) === digestOf('pin', last.pin))) return;
  writeRecord(pinFile(places, environment), last.pin);
}

/** An environment's ledger, oldest first; a last line without its end was being written when its writer died, and never counted. Throws `LEDGER_BROKEN` at the first line that does not follow from the one before. */
export function readLedger(places: Places, environment: string): LedgerEntry[] {
  const file = ledgerFile(places, environment);
  if (!existsSync(file)) return [];
  const entries: LedgerEntry[] = [];
  for (const [index, line] of wholeLines(file).entries()) {
    const entry = parse(`${file}:${index + 1}`, line);
    if (!checkEntry(entry)) throw broken(`${file}:${index + 1}`, checkEntry.errors?.[0]?.message ?? 'is no entry');
    const last = entries.at(-1);
    const expected = last === undefined ? null : digestOf('ledger-entry', last);
    const { previous, number } = entry;
    if (previous !== expected || number !== entries.length + 1) {
      throw broken(`${file}:${index + 1}`, `entry ${number} does not follow from the line before it`);
    }
    entries.push(entry);
  }
  return entries;
}

function wholeLines(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

function cutTornLine(file: string): void {
  if (!existsSync(file)) return;
  const text = readFileSync(file, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole));
}

function parse(place: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw broken(place, messageOf(cause));
  }
}

function broken(place: string, reason: string): CommandError {
  return new CommandError({
    code: 'LEDGER_BROKEN',
    message: `${place} ${reason}`,
    hint: 'pins and ledgers are written by orrery alone: restore the file',
  });
}
