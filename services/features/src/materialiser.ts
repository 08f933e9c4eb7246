import { isRetryable } from '@orrery/kit/errors';
import type { Progress } from '@orrery/kit/jobs';
import type { Log } from '@orrery/kit/log';
import { retry } from '@orrery/kit/retry';
import type { CompiledFeatureSet } from './compiler.ts';
import type { Database } from './database.ts';
import { daysBetween, dayNumber, monthsBetween, shiftDay } from './days.ts';
import { spanInvalid } from './errors.ts';
import { ensureFeatureTable } from './feature-tables.ts';
import type { History } from './history.ts';
import { createLimiter } from './limiter.ts';
import type { FeatureMetrics } from './metrics.ts';
import type { Asker, Partitions } from './partitions.ts';
import { cutIntoParts, planDays, type PlannedDay } from './plan.ts';

export interface Materialisation {
  readonly featureSet: string;
  readonly fingerprint: string;
  readonly table: string;
  readonly from: string;
  readonly to: string;
  readonly days: number;
  readonly computed: number;
  readonly reusedDays: number;
  readonly rows: number;
  readonly reused: boolean;
}

/** Days to have the features of, and how the work is followed and ended. */
export interface DaysAsked {
  readonly asker: Asker;
  readonly from: string;
  readonly to: string;
  readonly report: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

export interface MaterialiserOptions {
  readonly database: Database;
  readonly history: History;
  readonly partitions: Partitions;
  readonly log: Log;
  readonly metrics: FeatureMetrics;
  readonly daysPerQuery: number;
  readonly daysPerRequestMax: number;
  readonly jobsMax: number;
}

const attemptsMax = 4;
const backoffMs = 250;
const backoffMaxMs = 4000;

/** Brings partitions up to what their inputs are: computes days that changed, leaves the rest. */
export class Materialiser {
  private readonly options: MaterialiserOptions;
  private readonly oneAtATime;

  constructor(options: MaterialiserOptions) {
    this.options = options;
    this.oneAtATime = createLimiter({ what: 'materialisations', runningMax: 1, waitingMax: options.jobsMax });
  }

  /** Throws `DAY_INVALID` or `SPAN_INVALID`, before any work. */
  checkSpan(from: string, to: string): void {
    const days = dayNumber(to, 'to') - dayNumber(from, 'from') + 1;
    const { daysPerRequestMax } = this.options;
    if (days < 1 || days > daysPerRequestMax) throw spanInvalid(from, to, days, daysPerRequestMax);
  }

  async run(set: CompiledFeatureSet, asked: DaysAsked): Promise<Materialisation> {
    return this.oneAtATime(() =>
      retry(() => this.bringUp(set, asked), {
        attemptsMax,
        backoffMs,
        backoffMaxMs,
        signal: asked.signal,
        retryable: (error) => isRetryable(error) && !asked.signal.aborted,
      }),
    );
  }

  private async bringUp(set: CompiledFeatureSet, asked: DaysAsked): Promise<Materialisation> {
    const { database, partitions, log, metrics, daysPerQuery } = this.options;
    await ensureFeatureTable(database, set);
    const plan = await this.plan(set, asked);
    const pending = plan.filter(({ reused }) => !reused);
    let done = plan.length - pending.length;
    asked.report({ done, total: plan.length, unit: 'days' });
    for (const part of cutIntoParts(pending, daysPerQuery)) {
      asked.signal.throwIfAborted();
      await partitions.compute(set, part, asked.asker);
      done += part.length;
      asked.report({ done, total: plan.length, unit: 'days' });
      metrics.daysComputed.inc({ feature_set: set.definition.name }, part.length);
      metrics.rowsComputed.inc({ feature_set: set.definition.name }, sumRows(part));
    }
    metrics.daysReused.inc({ feature_set: set.definition.name }, plan.length - pending.length);
    log.info(
      { featureSet: set.definition.name, from: asked.from, to: asked.to, computed: pending.length },
      'days are up',
    );
    return {
      featureSet: set.definition.name,
      fingerprint: set.fingerprint,
      table: set.table,
      from: asked.from,
      to: asked.to,
      days: plan.length,
      computed: pending.length,
      reusedDays: plan.length - pending.length,
      rows: sumRows(plan),
      reused: pending.length === 0,
    };
  }

  /** Inputs are read before anything is computed: a write in between makes a day seem stale next time, never fresh. */
  private async plan(set: CompiledFeatureSet, { asker, from, to }: DaysAsked): Promise<PlannedDay[]> {
    const { history, partitions } = this.options;
    const past = { tenant: asker.tenant, from: shiftDay(from, -set.historyDays), to: shiftDay(to, -1) };
    const span = { tenant: asker.tenant, from, to };
    await history.refresh(set.history, asker.tenant, monthsBetween(past.from, past.to));
    return planDays({
      days: daysBetween(dayNumber(from, 'from'), dayNumber(to, 'to')),
      historyDays: set.historyDays,
      history: await partitions.readHistory(set, past),
      rows: await partitions.readRows(set, span),
      ledger: await partitions.readLedger(set, span),
      partitions: await partitions.readPartitions(set, span),
    });
  }
}

function sumRows(days: readonly { readonly rows: number }[]): number {
  return days.reduce((sum, { rows }) => sum + rows, 0);
}
