import { randomUUID } from 'node:crypto';
import type { Database } from './database.ts';
import { historyChanged } from './errors.ts';
import type { HistoryTable } from './history-tables.ts';
import { createLimiter } from './limiter.ts';

/** The tables of the past, kept equal to what they are summed from. */
export interface History {
  ensure(tables: readonly HistoryTable[]): Promise<void>;
  /** Brings the months of the tables up to their source. Throws `HISTORY_CHANGED` when the source is written meanwhile. */
  refresh(tables: readonly HistoryTable[], tenant: string, months: readonly number[]): Promise<void>;
  /** The same, but for months whose source was seen unchanged since they were last brought up. */
  refreshIfStale(tables: readonly HistoryTable[], tenant: string, months: readonly number[]): Promise<void>;
}

interface MonthSums {
  readonly month: number;
  readonly sums: string;
}

/** Months remembered as fresh; the oldest are forgotten first. */
const freshMonthsMax = 2000;

const rebuildsMax = 3;

/** Callers that may wait for a rebuild; more are told to try again. */
const waitingMax = 256;

export const stagingPrefix = 'features_staging_';

export function createHistory(options: { database: Database; checkMs: number; now: () => number }): History {
  return new HistoryTables(options);
}

class HistoryTables implements History {
  private readonly database: Database;
  private readonly checkMs: number;
  private readonly now: () => number;
  /** Source table -> its state and when it was asked. */
  private readonly states = new Map<string, { state: string; askedAtMs: number }>();
  /** Table, tenant and month -> the state of the source at which they were equal. */
  private readonly fresh = new Map<string, string>();
  private readonly oneAtATime = createLimiter({ what: 'the sums of the past', runningMax: 1, waitingMax });

  constructor(options: { database: Database; checkMs: number; now: () => number }) {
    this.database = options.database;
    this.checkMs = options.checkMs;
    this.now = options.now;
  }

  async ensure(tables: readonly HistoryTable[]): Promise<void> {
    for (const { name, keys, measures } of tables) {
      const columns = [...keys, ...measures]
        .map((column) => `${column.name} ${storedType(column.type)}`)
        .join(',\n    ');
      const order = keys.map((key) => `, ${key.name}`).join('');
      await this.database.run('create_history_table', { fills: { table: name, columns, keys: order } });
    }
  }

  async refresh(tables: readonly HistoryTable[], tenant: string, months: readonly number[]): Promise<void> {
    await this.oneAtATime(async () => {
      for (const table of tables) {
        const state = await this.stateOf(table.source, 0);
        await this.bringUp(table, tenant, months);
        this.remember(table, tenant, months, state);
      }
    });
  }

  async refreshIfStale(tables: readonly HistoryTable[], tenant: string, months: readonly number[]): Promise<void> {
    const isStale = (table: HistoryTable, state: string) => (month: number) =>
      this.fresh.get(placeOf(table, tenant, month)) !== state;
    for (const table of tables) {
      const state = await this.stateOf(table.source, this.checkMs);
      if (!months.some(isStale(table, state))) continue;
      await this.oneAtATime(async () => {
        const stale = months.filter(isStale(table, state));
        if (stale.length === 0) return;
        await this.bringUp(table, tenant, stale);
        this.remember(table, tenant, stale, state);
      });
    }
  }

  /** Always asked before the sums are compared: a write in between makes the months stale, never wrongly fresh. */
  private async stateOf(source: string, maxAgeMs: number): Promise<string> {
    const known = this.states.get(source);
    if (known !== undefined && this.now() - known.askedAtMs < maxAgeMs) return known.state;
    const askedAtMs = this.now();
    const [row] = await this.database.rows<{ state: string }>('select_table_state', { params: { table: source } });
    const state = row?.state ?? '';
    this.states.set(source, { state, askedAtMs });
    return state;
  }

  private remember(table: HistoryTable, tenant: string, months: readonly number[], state: string): void {
    for (const month of months) {
      const place = placeOf(table, tenant, month);
      this.fresh.delete(place);
      this.fresh.set(place, state);
    }
    for (const place of this.fresh.keys()) {
      if (this.fresh.size <= freshMonthsMax) return;
      this.fresh.delete(place);
    }
  }

  /** Sums up months that differ, again when the source or another process wrote meanwhile. */
  private async bringUp(table: HistoryTable, tenant: string, months: readonly number[]): Promise<void> {
    let differing = await this.compare(table, tenant, months);
    for (let attempt = 1; differing.length > 0; attempt += 1) {
      if (attempt > rebuildsMax) throw historyChanged(table.source, differing);
      await this.rebuild(table, tenant, differing);
      differing = await this.compare(table, tenant, differing);
    }
  }

  private async rebuild(table: HistoryTable, tenant: string, months: readonly number[]): Promise<void> {
    const staging = `${stagingPrefix}${randomUUID().replaceAll('-', '')}`;
    await this.database.run('create_staging_table', { fills: { staging, table: table.name } });
    try {
      await this.sumUp(table, staging, tenant, months);
      const filled = await this.sumsOf({ ...table, name: staging }, tenant, months);
      const commands = months.map((month) => {
        const partition = `('${tenant}', ${month})`;
        return filled.has(month) ? `REPLACE PARTITION ${partition} FROM ${staging}` : `DROP PARTITION ${partition}`;
      });
      await this.database.run('replace_partitions', { fills: { table: table.name, commands: commands.join(', ') } });
    } finally {
      await this.database.run('drop_table', { fills: { table: staging } });
    }
  }

  private async sumUp(table: HistoryTable, staging: string, tenant: string, months: readonly number[]): Promise<void> {
    const { keys, measures, source, sourceDay } = table;
    await this.database.run('insert_history', {
      fills: {
        staging,
        source,
        day: sourceDay,
        columns: [...keys, ...measures].map(({ name }) => name).join(', '),
        values: [...keys.map(({ name }) => name), ...measures.map(({ name }) => `sum(${name})`)].join(', '),
        keys: keys.map(({ name }) => `, ${name}`).join(''),
      },
      params: { tenant, months },
    });
  }

  private async compare(table: HistoryTable, tenant: string, months: readonly number[]): Promise<number[]> {
    const source = await this.sumsOf({ ...table, name: table.source, day: table.sourceDay }, tenant, months);
    const kept = await this.sumsOf(table, tenant, months);
    return months.filter((month) => source.get(month) !== kept.get(month));
  }

  private async sumsOf(
    table: HistoryTable & { readonly day?: string },
    tenant: string,
    months: readonly number[],
  ): Promise<Map<number, string>> {
    const day = table.day ?? 'day';
    // This hash is of values: a text stored by number and a narrower integer weigh the same.
    const place = [day, ...table.keys.map(({ name }) => name)].join(', ');
    const sums = table.measures.map(({ name }) => `hex(sum(cityHash64(${place}) * toUInt64(${name})))`);
    const fills = { table: table.name, day, sums: ["''", ...sums].join(", ' ', ") };
    const rows = await this.database.rows<MonthSums>('select_history_sums', { fills, params: { tenant, months } });
    return new Map(rows.map(({ month, sums: text }) => [month, text]));
  }
}

function placeOf(table: HistoryTable, tenant: string, month: number): string {
  return `${table.name}/${tenant}/${month}`;
}

/** Texts repeat: stored by number. */
export function storedType(type: string): string {
  return type === 'String' ? 'LowCardinality(String)' : type;
}
