import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { digestOf } from '@orrery/contracts/digest';
import {
  LedgerEntry,
  type DeploymentEnded,
  type DeploymentStarted,
  type DeploymentStep,
  type LedgerEvent,
  type PinMoved,
} from '@orrery/contracts/ledger';
import { CommandError, messageOf } from '../errors.ts';
import { ledgerFolder, type Places } from '../release/places.ts';
import { createRecord, outdated } from '../release/records.ts';
import { isRunning } from '../running.ts';

export type EventKind = LedgerEvent['kind'];

/** An entry whose event is of one kind. */
export type EntryOf<E extends LedgerEvent> = LedgerEntry & { readonly event: E };

export interface EntryDraft<E extends LedgerEvent = LedgerEvent> {
  readonly at: string;
  readonly actor: string;
  readonly reason: string;
  /** The fence of the lease under which it is written. */
  readonly fence: number;
  /** The event, or what makes it of the ledger that it follows. */
  readonly event: E | ((ledger: readonly LedgerEntry[]) => E);
}

/** How often an entry is tried again when another writer took its number. */
const racesMax = 100;
const entryName = /^\d{6,}\.json$/;
const temporaryName = /^\..*\.(\d+)\.tmp$/;

const checkEntry = new Ajv2020({ allErrors: true, strict: false }).compile<LedgerEntry>(LedgerEntry);

/**
 * An environment's ledger, oldest first. Throws `LEDGER_BROKEN` (exit 3) at the first entry that is missing, is no entry, or does not
 * follow from the one before it.
 */
export function readLedger(places: Places, environment: string): LedgerEntry[] {
  const folder = ledgerFolder(places, environment);
  assertForm(folder);
  const entries: LedgerEntry[] = [];
  for (const [index, name] of entryNames(folder).entries()) {
    const file = join(folder, name);
    if (name !== fileName(index + 1)) throw broken(join(folder, fileName(index + 1)), `is missing before ${name}`);
    const entry = readEntry(file);
    const last = entries.at(-1);
    if (entry.number !== index + 1) throw broken(file, `says that it is entry ${entry.number}`);
    if (entry.previous !== (last === undefined ? null : digestOf('ledger-entry', last)))
      throw broken(file, 'does not follow from the entry before it');
    if (last !== undefined && entry.fence < last.fence)
      throw broken(file, `has fence ${entry.fence}, below ${last.fence} of the entry before it`);
    entries.push(entry);
  }
  return entries;
}

/**
 * Adds an entry. It is written aside and linked to its number, which fails when the number is taken: so of all writers one gets each
 * number, whole. Throws `FENCED_OFF` (exit 3) when somebody with a greater fence has written since.
 */
export function appendEntry<E extends LedgerEvent>(
  places: Places,
  environment: string,
  draft: EntryDraft<E>,
): EntryOf<E> {
  const folder = ledgerFolder(places, environment);
  mkdirSync(folder, { recursive: true });
  sweep(folder);
  for (let race = 0; race < racesMax; race += 1) {
    const ledger = readLedger(places, environment);
    const last = ledger.at(-1);
    if (last !== undefined && last.fence > draft.fence) throw fencedOff(environment, draft.fence, last);
    const entry: EntryOf<E> = {
      schema: 2,
      number: ledger.length + 1,
      previous: last === undefined ? null : digestOf('ledger-entry', last),
      at: draft.at,
      actor: draft.actor,
      reason: draft.reason,
      fence: draft.fence,
      event: typeof draft.event === 'function' ? draft.event(ledger) : draft.event,
    };
    if (!checkEntry(entry)) throw new TypeError(`no ledger entry: ${firstError()}`);
    if (createRecord(join(folder, fileName(entry.number)), entry)) return entry;
  }
  throw new CommandError({
    code: 'LEDGER_BUSY',
    message: `the ledger of ${environment} took other entries ${racesMax} times in a row`,
    hint: 'see who else writes it, then try again',
  });
}

/** A move of the pin; `ordinal` is the release's number in the environment: what people see and what `rollback --to` takes. */
export interface Move {
  readonly ordinal: number;
  readonly entry: EntryOf<PinMoved>;
}

export function movesOf(ledger: readonly LedgerEntry[]): Move[] {
  return ledger.filter(isMove).map((entry, index) => ({ ordinal: index + 1, entry }));
}

/** One deployment as its entries tell it. */
export interface DeploymentRecord {
  /** The number of the entry that began it. */
  readonly id: number;
  readonly started: EntryOf<DeploymentStarted>;
  readonly steps: readonly EntryOf<DeploymentStep>[];
  /** Undefined while it runs, and for ever when it was killed and nobody has come since. */
  readonly ended: EntryOf<DeploymentEnded> | undefined;
}

export function deploymentsOf(ledger: readonly LedgerEntry[]): DeploymentRecord[] {
  return ledger.filter(isStarted).map((started) => {
    const later = ledger.slice(started.number);
    return {
      id: started.number,
      started,
      steps: later.filter(isStep).filter((entry) => entry.event.deployment === started.number),
      ended: later.filter(isEnded).find((entry) => entry.event.deployment === started.number),
    };
  });
}

export function lastDeployment(ledger: readonly LedgerEntry[]): DeploymentRecord | undefined {
  return deploymentsOf(ledger).at(-1);
}

/** The file name of an entry: at least six digits. */
export function fileName(number: number): string {
  return `${String(number).padStart(6, '0')}.json`;
}

/** One entry as it lies in its file, of the right form; whether it follows from another is not looked at. */
export function readEntry(file: string): LedgerEntry {
  let entry: unknown;
  try {
    entry = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw broken(file, `can't be read: ${messageOf(cause)}`);
  }
  if (checkEntry(entry)) return entry;
  throw broken(file, `is no ledger entry: ${firstError()}`);
}

/** The names of the entries in a ledger's folder, in the order of their numbers. */
export function entryNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => entryName.test(name));
  return names.sort((left, right) => Number.parseInt(left) - Number.parseInt(right));
}

function isMove(entry: LedgerEntry): entry is EntryOf<PinMoved> {
  return entry.event.kind === 'pin' || entry.event.kind === 'rollback' || entry.event.kind === 'go-live';
}

function isStarted(entry: LedgerEntry): entry is EntryOf<DeploymentStarted> {
  return entry.event.kind === 'deployment-started';
}

function isStep(entry: LedgerEntry): entry is EntryOf<DeploymentStep> {
  return entry.event.kind === 'deployment-step';
}

function isEnded(entry: LedgerEntry): entry is EntryOf<DeploymentEnded> {
  return entry.event.kind === 'deployment-ended';
}

/** Removes what writers left that were killed before they linked it. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = temporaryName.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(folder, name), { force: true });
  }
}

/** Ledgers were files of one line an entry before they were folders of one file an entry. */
function assertForm(folder: string): void {
  const lines = `${folder}.jsonl`;
  if (existsSync(lines)) throw outdated(lines);
}

function firstError(): string {
  const [first] = checkEntry.errors ?? [];
  return `${first?.instancePath ?? ''} ${first?.message ?? 'has another form'}`.trim();
}

function fencedOff(environment: string, fence: number, last: LedgerEntry): CommandError {
  return new CommandError({
    code: 'FENCED_OFF',
    message: `${last.actor} has taken over ${environment} with fence ${last.fence} (entry ${last.number}); this one had ${fence}`,
    hint: `nothing was written; see what happened since: npx orrery rollback ${environment} --list`,
    exitCode: 3,
  });
}

function broken(file: string, reason: string): CommandError {
  return new CommandError({
    code: 'LEDGER_BROKEN',
    message: `${file} ${reason}`,
    hint: 'ledgers are written by orrery alone: restore the file (git checkout -- the file, where git has it)',
    exitCode: 3,
  });
}
