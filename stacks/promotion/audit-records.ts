import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { digestOf, shortDigest } from '@orrery/contracts/digest';
import type { LedgerEntry } from '@orrery/contracts/ledger';
import { CommandError, messageOf } from '../errors.ts';
import { gitAnswer } from '../release/git.ts';
import { isLocal, ledgerFolder, pinFile, recordsFolder, type Places } from '../release/places.ts';
import { formatRecord, readBinding, readReleaseFolder } from '../release/records.ts';
import { firstDifference } from '../release/text-place.ts';
import type { AuditFault } from './audit-fault.ts';
import { isShallow } from './audit-history.ts';
import { entryNames, movesOf, readLedger } from './ledger.ts';
import { lastMove, readPin } from './pin.ts';

export interface RecordsAudit {
  readonly releases: number;
  readonly bindings: number;
  readonly ledgers: number;
  readonly entries: number;
  readonly pins: number;
  readonly faults: readonly AuditFault[];
}

const known =
  /^(releases\/[0-9a-f]{12}\/(release|provenance)\.json|bindings\/[0-9a-f]{12}\.json|ledger\/[a-z][a-z0-9-]*\/\d{6,}\.json)$/;
const temporary = /(^|\/)\.[^/]*\.tmp$/;

/** Checks every record by itself and against the others: those in git, or those of the local environment. */
export async function auditRecords(places: Places, kind: 'git' | 'local'): Promise<RecordsAudit> {
  const folder = recordsFolder(places, kind);
  const audit = new RecordsCheck(places, folder);
  audit.files();
  const releases = namesIn(join(folder, 'releases'));
  for (const name of releases) await audit.release(join(folder, 'releases', name));
  const bindings = namesIn(join(folder, 'bindings')).filter((name) => name.endsWith('.json'));
  const environments = kind === 'local' ? ['local'] : environmentsOf(places, folder);
  for (const name of bindings) audit.binding(join(folder, 'bindings', name));
  const entries = environments.flatMap((environment) => audit.ledger(environment));
  const pins = environments.filter((environment) => existsSync(pinFile(places, environment)));
  for (const environment of environments) audit.pin(environment);
  return {
    releases: releases.length,
    bindings: bindings.length,
    ledgers: environments.filter((environment) => existsSync(ledgerFolder(places, environment))).length,
    entries: entries.length,
    pins: pins.length,
    faults: audit.faults,
  };
}

/** Everything that has a ledger or a pin in git. */
function environmentsOf(places: Places, folder: string): string[] {
  const pins = namesIn(dirname(pinFile(places, 'any'))).map((name) => name.replace(/\.json$/, ''));
  return [...new Set([...namesIn(join(folder, 'ledger')), ...pins])].sort();
}

class RecordsCheck {
  readonly faults: AuditFault[] = [];
  private readonly places: Places;
  private readonly folder: string;

  constructor(places: Places, folder: string) {
    this.places = places;
    this.folder = folder;
  }

  /** Every file is a record, and written as records are: not a byte more or less. */
  files(): void {
    for (const path of existsSync(this.folder) ? filesBelow(this.folder) : []) {
      const file = join(this.folder, path);
      if (temporary.test(path)) continue;
      if (!known.test(path)) {
        this.fault('record', file, 'is no record');
        continue;
      }
      const text = readFileSync(file, 'utf8');
      const written = this.attempt('record', file, () => formatRecord(JSON.parse(text)));
      const place = written === undefined ? undefined : firstDifference(written, text);
      if (place !== undefined)
        this.faults.push({ ...this.at('record', file), message: 'is not written as records are', place });
    }
  }

  async release(folder: string): Promise<void> {
    const file = join(folder, 'release.json');
    const recorded = this.attempt('record', file, () => readReleaseFolder(folder));
    if (recorded === undefined) return;
    const { commit } = recorded.provenance;
    const { code } = await gitAnswer(this.places.root, ['cat-file', '-e', `${commit}^{commit}`]);
    if (code !== 0 && !isShallow(this.places.root))
      this.fault('record', join(folder, 'provenance.json'), `names commit ${commit}, which this clone does not have`);
  }

  binding(file: string): void {
    this.attempt('record', file, () => {
      const document: unknown = JSON.parse(readFileSync(file, 'utf8'));
      const digest = digestOf('binding', document);
      if (!file.endsWith(`${shortDigest(digest)}.json`)) throw new Error(`hashes to ${digest}, not to its name`);
    });
  }

  ledger(environment: string): LedgerEntry[] {
    const folder = ledgerFolder(this.places, environment);
    const entries = this.attempt('ledger', folder, () => readLedger(this.places, environment));
    if (entries === undefined) return [];
    let from: string | null = null;
    for (const { ordinal, entry } of movesOf(entries)) {
      const file = join(folder, entryNames(folder)[entry.number - 1] ?? '');
      if (entry.event.from !== from) this.fault('ledger', file, `does not say from where number ${ordinal} moved`);
      from = digestOf('pin', entry.event.pin);
      this.parts(file, environment, entry.event.pin);
    }
    const begun = new Set(
      entries.filter(({ event }) => event.kind === 'deployment-started').map((entry) => entry.number),
    );
    for (const entry of entries) {
      const { event } = entry;
      const deployment = 'deployment' in event ? event.deployment : undefined;
      if (deployment === undefined || (begun.has(deployment) && deployment < entry.number)) continue;
      this.fault(
        'ledger',
        join(folder, entryNames(folder)[entry.number - 1] ?? ''),
        `tells of deployment ${deployment}, which no entry began`,
      );
    }
    return entries;
  }

  /** What is pinned is what the ledger says last. */
  pin(environment: string): void {
    const file = pinFile(this.places, environment);
    const pin = this.attempt('pin', file, () => readPin(this.places, environment));
    const moved = this.quietly(() => lastMove(readLedger(this.places, environment))?.event.pin);
    if (pin === undefined && moved === undefined) return;
    if (pin === undefined) {
      if (!existsSync(file)) this.fault('pin', file, `is missing, the ledger of ${environment} ends at a move`);
      return;
    }
    this.parts(file, environment, pin);
    if (moved === undefined) {
      this.fault('pin', file, `moved by no entry of the ledger of ${environment}`);
      return;
    }
    const place = firstDifference(formatRecord(moved), readFileSync(file, 'utf8'));
    if (place !== undefined)
      this.faults.push({ ...this.at('pin', file), message: 'is not what the last move of its ledger says', place });
  }

  /** What a pin names is recorded. */
  private parts(file: string, environment: string, pin: { release: string; binding: `sha256:${string}` }): void {
    const folder = join(this.folder, 'releases', shortDigest(pin.release));
    const elsewhere = join(recordsFolder(this.places, 'git'), 'releases', shortDigest(pin.release));
    const held = existsSync(folder) || (isLocal(environment) && existsSync(elsewhere));
    if (!held) this.fault('pin', file, `names release ${shortDigest(pin.release)}, which is not recorded`);
    this.attempt('pin', file, () => {
      const binding = readBinding(this.places, environment, pin.binding);
      if (binding.environment !== environment) throw new Error(`names a binding of ${binding.environment}`);
    });
  }

  private attempt<T>(kind: AuditFault['kind'], file: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      const message = messageOf(error);
      // Readers name the file first: the place of the fault may be another than where it was noticed.
      const named = /^(\/\S+\.json) (.*)$/s.exec(message);
      this.fault(kind, named?.[1] ?? file, named?.[2] ?? message);
      return undefined;
    }
  }

  private quietly<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (error instanceof CommandError) return undefined;
      throw error;
    }
  }

  private fault(kind: AuditFault['kind'], file: string, message: string): void {
    const fault = { ...this.at(kind, file), message };
    if (!this.faults.some((one) => one.path === fault.path && one.message === message)) this.faults.push(fault);
  }

  private at(kind: AuditFault['kind'], file: string): Pick<AuditFault, 'kind' | 'path'> {
    return { kind, path: relative(this.places.root, file) };
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => !name.startsWith('.'))
        .sort()
    : [];
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
