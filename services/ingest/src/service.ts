import { clickHouseError, migrate, openClickHouse, type ClickHouse } from '@orrery/kit/clickhouse';
import { systemClock } from '@orrery/kit/clock';
import { messageOf, OrreryError } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import { retry } from '@orrery/kit/retry';
import type { Service, ServiceContext } from '@orrery/kit/service';
import type { Settings } from './config.ts';
import { createDatabase } from './database.ts';
import { loadPipelines } from './definitions.ts';
import { addRoutes, type Started } from './http.ts';
import { createMetrics } from './metrics.ts';
import { createRuns } from './runs.ts';
import { loadStatements, sqlFolder, type Statements } from './statements.ts';

const insertTimeoutMs = 110_000;

export function createIngestService(context: ServiceContext<typeof Settings>): Service {
  const { config, log, token } = context;
  const metrics = createMetrics(context.metrics);
  const clickhouse = openClickHouse({
    url: config.clickhouse?.url ?? '',
    database: config.clickhouse?.database ?? 'orrery',
    token,
    service: config.service,
    timeoutMs: insertTimeoutMs,
  });
  const stopping = new AbortController();
  let started: Started | undefined;

  const openDatabase = (statements: Statements, pipeline: string, signal: AbortSignal) =>
    createDatabase({
      clickhouse,
      statements,
      ...config.settings,
      signal,
      onRetry: (error) => {
        metrics.retries.inc({ pipeline });
        log.warn({ pipeline, reason: messageOf(error) }, 'ClickHouse did not answer, trying again');
      },
    });

  return {
    routes: (app) => addRoutes(app, () => started),
    async start() {
      const pipelines = await loadPipelines(config.definitionsFolder ?? '');
      const statements = await loadStatements();
      await retry(() => applyMigrations(clickhouse, config.service, log), {
        ...config.settings,
        signal: stopping.signal,
      });
      const runs = createRuns({
        pipelines: pipelines.all,
        datasets: config.datasets,
        log,
        clock: systemClock,
        metrics,
        openDatabase: (pipeline, signal) => openDatabase(statements, pipeline, signal),
      });
      started = { pipelines, runs, database: openDatabase(statements, '', stopping.signal) };
    },
    async missing() {
      const answer = await clickhouse.ping();
      return answer.success ? [] : ['clickhouse'];
    },
    async drain() {
      // A run stops between two ranges; whoever waits for it asks again and it goes on from there.
      await started?.runs.stop();
    },
    async stop() {
      stopping.abort();
      await clickhouse.close();
    },
  };
}

async function applyMigrations(clickhouse: ClickHouse, service: string, log: Log): Promise<void> {
  try {
    await migrate(clickhouse, { service, folder: sqlFolder, log });
  } catch (error) {
    throw error instanceof OrreryError ? error : clickHouseError(error, 'creating the tables');
  }
}
