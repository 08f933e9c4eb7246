import { migrate, openClickHouse, type ClickHouse } from '@orrery/kit/clickhouse';
import { systemClock } from '@orrery/kit/clock';
import { messageOf } from '@orrery/kit/errors';
import type { JobView } from '@orrery/kit/jobs';
import { retry } from '@orrery/kit/retry';
import type { Service, ServiceContext } from '@orrery/kit/service';
import { openStore } from '@orrery/kit/open-store';
import type { CompiledFeatureSet } from './compiler.ts';
import type { settings } from './config.ts';
import { createDatabase, type Database } from './database.ts';
import { exportDataset, type DatasetOptions } from './dataset.ts';
import { readFeatureSets } from './definitions.ts';
import { configIncomplete, featureSetUnknown } from './errors.ts';
import { checkColumns, dropOldStaging, readSourceTypes } from './feature-tables.ts';
import { createRowsCheck, type RowsCheck } from './given-rows.ts';
import { createHistory, type History } from './history.ts';
import { addRoutes } from './http.ts';
import { Materialiser } from './materialiser.ts';
import { createMetrics, type FeatureMetrics } from './metrics.ts';
import { Partitions, type Asker } from './partitions.ts';
import { SpanJobs } from './span-jobs.ts';
import { readStatements } from './statements.ts';
import { Vectors } from './vectors.ts';

type Context = ServiceContext<typeof settings>;

export function createFeaturesService(context: Context): Service {
  const features = new FeaturesService(context);
  return {
    routes: (app) => addRoutes(app, features),
    start: () => features.start(),
    missing: () => features.missing(),
    stop: () => features.stop(),
  };
}

const startAttemptsMax = 12;
const startBackoffMs = 200;
const startBackoffMaxMs = 3000;
/** Older than any statement may run. */
const stagingAgeSeconds = 4 * 3600;

/** What was set up at the start, once ClickHouse answered. */
interface Parts extends DatasetOptions {
  readonly vectors: Vectors;
}

/** The feature sets of the release that this instance was started with. */
export class FeaturesService {
  private readonly context: Context;
  private readonly client: ClickHouse;
  private readonly metrics: FeatureMetrics;
  private readonly jobs = new Map<string, SpanJobs>();
  private readonly checks = new Map<CompiledFeatureSet, RowsCheck>();
  private sets: readonly CompiledFeatureSet[] = [];
  private parts: Parts | undefined;

  constructor(context: Context) {
    const { clickhouse, store, definitionsFolder, service } = context.config;
    const missing = Object.entries({ clickhouse, store, definitionsFolder }).find(([, given]) => given === undefined);
    if (missing !== undefined || clickhouse === undefined) throw configIncomplete(missing?.[0] ?? 'clickhouse');
    this.context = context;
    this.client = openClickHouse({ ...clickhouse, token: context.token, service });
    this.metrics = createMetrics(context.metrics);
  }

  async start(): Promise<void> {
    const { config, log } = this.context;
    this.sets = await readFeatureSets(config.definitionsFolder ?? '');
    const statements = await readStatements(new URL('../sql/', import.meta.url));
    const { threadsMax, queryTimeoutSeconds } = config.settings;
    const database = createDatabase({ client: this.client, statements, threadsMax, queryTimeoutSeconds });
    const history = createHistory({ database, checkMs: config.settings.historyCheckMs, now: () => systemClock.now() });
    await retry(() => this.prepare(database, history), {
      attemptsMax: startAttemptsMax,
      backoffMs: startBackoffMs,
      backoffMaxMs: startBackoffMaxMs,
    });
    for (const set of this.sets) {
      await checkColumns(database, set, statements);
      this.checks.set(set, createRowsCheck(set.definition, config.settings.vectorRowsMax));
      log.info(
        { featureSet: set.definition.name, fingerprint: set.fingerprint, table: set.table },
        'feature set compiled',
      );
    }
    const partitions = new Partitions({ database, statements });
    const { daysPerQuery, daysPerRequestMax, jobsMax, vectorDaysMax } = config.settings;
    const limits = { daysPerQuery, daysPerRequestMax, jobsMax };
    const materialiser = new Materialiser({ database, history, partitions, log, metrics: this.metrics, ...limits });
    const vectors = new Vectors({ database, statements, history, daysMax: vectorDaysMax });
    this.parts = { database, partitions, materialiser, store: openStore(config.store ?? { folder: '' }), vectors };
  }

  private async prepare(database: Database, history: History): Promise<void> {
    const { config, log } = this.context;
    await migrate(this.client, { service: config.service, folder: new URL('../sql/', import.meta.url), log });
    await dropOldStaging(database, stagingAgeSeconds);
    for (const set of this.sets) await history.ensure(set.history);
  }

  /** What rows and their past are read from is made by another service: until then nothing can be computed. */
  async missing(): Promise<string[]> {
    const { parts } = this;
    if (parts === undefined) return ['the feature sets are not compiled'];
    const problems = await Promise.all(
      this.sets.map((set) =>
        readSourceTypes(parts.database, set).then(
          () => [],
          (error: unknown) => [`${set.definition.name}: ${messageOf(error)}`],
        ),
      ),
    );
    return problems.flat();
  }

  async stop(): Promise<void> {
    for (const jobs of this.jobs.values()) await jobs.stop();
    await this.client.close();
  }

  list(tenant: string): { name: string; fingerprint: string; features: number }[] {
    return this.setsOf(tenant).map(({ definition, fingerprint }) => ({
      name: definition.name,
      fingerprint,
      features: definition.features.length,
    }));
  }

  /** Throws `FEATURE_SET_UNKNOWN`, also for another tenant's. */
  find(tenant: string, name: string): CompiledFeatureSet {
    const sets = this.setsOf(tenant);
    const found = sets.find(({ definition }) => definition.name === name);
    if (found === undefined)
      throw featureSetUnknown(
        name,
        sets.map(({ definition }) => definition.name),
      );
    return found;
  }

  startJob(
    kind: 'materialisations' | 'datasets',
    name: string,
    days: { asker: Asker; from: string; to: string },
  ): JobView {
    const set = this.find(days.asker.tenant, name);
    const parts = this.started();
    parts.materialiser.checkSpan(days.from, days.to);
    const span = { tenant: days.asker.tenant, from: days.from, to: days.to };
    return this.jobsOf(kind, name).start(span, (report, signal) => {
      const asked = { ...days, report, signal };
      return kind === 'datasets' ? exportDataset(parts, set, asked) : parts.materialiser.run(set, asked);
    });
  }

  viewJob(kind: 'materialisations' | 'datasets', name: string, tenant: string, id: string): JobView {
    this.find(tenant, name);
    return this.jobsOf(kind, name).view(tenant, id);
  }

  async computeVectors(tenant: string, name: string, rows: unknown): Promise<object> {
    const set = this.find(tenant, name);
    const end = this.metrics.vectorSeconds.startTimer({ feature_set: name });
    const given = this.checks.get(set)?.(rows) ?? [];
    const { vectors: online, database } = this.started();
    const vectors = await online.compute(set, tenant, given).catch(async (error: unknown) => {
      // Says which table is missing, when that is why.
      await readSourceTypes(database, set);
      throw error;
    });
    end();
    this.metrics.vectors.inc({ feature_set: name }, given.length);
    return { featureSet: name, fingerprint: set.fingerprint, vectors };
  }

  private setsOf(tenant: string): CompiledFeatureSet[] {
    return this.sets.filter((set) => set.tenant === tenant);
  }

  private jobsOf(kind: string, name: string): SpanJobs {
    const path = `/v1/feature-sets/${name}/${kind}`;
    const { log, config } = this.context;
    const jobs = this.jobs.get(path) ?? new SpanJobs({ path, log, runningMax: config.settings.jobsMax });
    this.jobs.set(path, jobs);
    return jobs;
  }

  private started(): Parts {
    if (this.parts === undefined) throw new TypeError('the service was asked before it had started');
    return this.parts;
  }
}
