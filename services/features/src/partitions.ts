import { randomUUID } from 'node:crypto';
import type { CompiledFeatureSet } from './compiler.ts';
import type { Database } from './database.ts';
import { checksFailed, inputsChanged } from './errors.ts';
import { selectStoredRows, storedColumns } from './feature-tables.ts';
import { stagingPrefix } from './history.ts';
import { emptyHash, type ComputedDay, type DayDigest, type PlannedDay } from './plan.ts';
import type { Statements } from './statements.ts';
import { describeBroken, emitValueChecks } from './value-checks.ts';

/** For whom something is computed, and who asked. */
export interface Asker {
  readonly tenant: string;
  readonly actor: string;
}

/** The partitions of feature sets and the ledger of what is in them. */
export class Partitions {
  private readonly database: Database;
  private readonly statements: Statements;

  constructor(options: { database: Database; statements: Statements }) {
    this.database = options.database;
    this.statements = options.statements;
  }

  /** What the source holds of each day: all that a row's features follow from, and what lies beside them. */
  async readRows({ definition }: CompiledFeatureSet, span: Span): Promise<Map<string, DayDigest>> {
    const { rows } = definition;
    const columns = [...rows.identity, rows.label.column, ...Object.keys(rows.columns)].join(', ');
    const fills = { columns, table: rows.table, day: rows.day };
    return byDay(await this.database.rows<DayDigest>('select_row_digests', { fills, params: { ...span } }));
  }

  /** What the past holds of each day, a digest for each table that keeps it. */
  async readHistory({ history }: CompiledFeatureSet, span: Span): Promise<Map<string, DayDigest[]>> {
    const days = new Map<string, DayDigest[]>();
    for (const [index, { name, keys, measures }] of history.entries()) {
      const columns = [...keys, ...measures].map((column) => column.name).join(', ');
      const fills = { columns, table: name };
      for (const digest of await this.database.rows<DayDigest>('select_history_digests', {
        fills,
        params: { ...span },
      })) {
        const digests = days.get(digest.day) ?? history.map(() => ({ day: digest.day, rows: 0, hash: emptyHash }));
        digests[index] = digest;
        days.set(digest.day, digests);
      }
    }
    return days;
  }

  async readLedger(set: CompiledFeatureSet, span: Span): Promise<Map<string, ComputedDay>> {
    const params = { ...span, featureSet: set.definition.name, fingerprint: set.fingerprint };
    return byDay(await this.database.rows<ComputedDay>('select_ledger', { params }));
  }

  /** What lies in the partitions, read from the rows themselves. */
  async readPartitions(set: CompiledFeatureSet, span: Span, table = set.table): Promise<Map<string, DayDigest>> {
    const checks = table === set.table ? '' : emitValueChecks(set.definition.features);
    const fills = { table, day: set.definition.rows.day, columns: storedColumns(set).join(', '), checks };
    return byDay(await this.database.rows<DayDigest>('select_partition_digests', { fills, params: { ...span } }));
  }

  /**
   * Computes some days beside what is there, checks them, moves each into its place and writes it into the ledger, in this
   * order: a process that is killed at any point leaves whole days, old or new, and at worst a day that is computed once more.
   */
  async compute(set: CompiledFeatureSet, days: readonly PlannedDay[], asker: Asker): Promise<void> {
    const staging = `${stagingPrefix}${randomUUID().replaceAll('-', '')}`;
    await this.database.run('create_staging_table', { fills: { staging, table: set.table } });
    try {
      await this.fill(set, staging, days, asker);
      const computed = await this.check(set, staging, days, asker);
      const commands = days.map(({ day }) => {
        const partition = `('${asker.tenant}', '${day}')`;
        return computed.has(day) ? `REPLACE PARTITION ${partition} FROM ${staging}` : `DROP PARTITION ${partition}`;
      });
      await this.database.run('replace_partitions', { fills: { table: set.table, commands: commands.join(', ') } });
      await this.writeLedger(set, days, computed, asker);
    } finally {
      await this.database.run('drop_table', { fills: { table: staging } });
    }
  }

  private async fill(
    set: CompiledFeatureSet,
    staging: string,
    days: readonly PlannedDay[],
    asker: Asker,
  ): Promise<void> {
    const columns = storedColumns(set).join(', ');
    const select = selectStoredRows(set, this.statements);
    const params = { tenant: asker.tenant, fingerprint: set.fingerprint, days: days.map(({ day }) => day) };
    await this.database.run('insert_features', { fills: { staging, columns, select }, params });
  }

  private async check(
    set: CompiledFeatureSet,
    staging: string,
    days: readonly PlannedDay[],
    { tenant }: Asker,
  ): Promise<Map<string, DayDigest>> {
    const span = { tenant, from: days[0]?.day ?? '', to: days.at(-1)?.day ?? '' };
    const computed = await this.readPartitions(set, span, staging);
    for (const { day, rows } of days) {
      const found = computed.get(day)?.rows ?? 0;
      if (found !== rows) throw inputsChanged(day, rows, found);
    }
    const broken = [...computed.values()].flatMap((day) => describeBroken(set.definition.features, { ...day }));
    if (broken.length > 0) throw checksFailed(set.definition.name, broken);
    return computed;
  }

  private async writeLedger(
    set: CompiledFeatureSet,
    days: readonly PlannedDay[],
    computed: ReadonlyMap<string, DayDigest>,
    asker: Asker,
  ): Promise<void> {
    const lines = days.map(({ day, inputs }) => ({
      ...asker,
      feature_set: set.definition.name,
      fingerprint: set.fingerprint,
      day,
      inputs,
      rows: computed.get(day)?.rows ?? 0,
      row_hash: computed.get(day)?.hash ?? emptyHash,
    }));
    // A fresh token each time: what was computed twice is written twice, and the later line counts.
    await this.database.append('feature_days', lines, randomUUID());
  }
}

export interface Span {
  readonly tenant: string;
  readonly from: string;
  readonly to: string;
}

function byDay<Row extends { readonly day: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.day, row]));
}
