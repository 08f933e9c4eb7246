import { PlanError } from '#infra/errors.ts';

/*
 * What the collectors of logs and traces do, as the configuration that they read. Addresses come by the environment of their process and
 * passwords by a file, so a configuration holds no secret and is the same in every environment of the same settings.
 */

/** The database that logs and traces are written to, beside that of the platform's own data. */
export const telemetryDatabase = 'telemetry';
export const otlpGrpcPort = 4317;
export const otlpHttpPort = 4318;
export const collectorHealthPort = 13_133;
export const collectorMetricsPort = 8888;
/** Where a collector keeps what has to outlive its process: places in files, batches that are not written yet. */
export const collectorFolder = '/var/lib/orrery-collector';

/** The file that holds the password of whoever writes into ClickHouse. */
export const collectorPasswordFile = '/run/orrery/password';

/** How ClickHouse keeps the rows. */
export interface TelemetryTables {
  /** Days after which rows are dropped by ClickHouse itself. 1 to 400. */
  readonly days: number;
  /** Name of the ClickHouse cluster whose replicas all hold the rows. Default: a single server. */
  readonly cluster?: string;
}

export type CollectorConfig = Readonly<Record<string, unknown>>;

const daysMax = 400;
const memoryLimitPercent = 75;
const memorySpikePercent = 20;
/** ClickHouse wants few large inserts: a batch of rows, or what came in this time. */
const batch = { send_batch_size: 5000, send_batch_max_size: 10_000, timeout: '5s' };
const decisionWaitSeconds = 10;
const tracesInMemoryMax = 50_000;
const slowTraceMs = 1000;

/**
 * One agent on each node: every container's lines, parsed where they are JSON, told apart by namespace, pod and container. Where they
 * come from is read from the file's path, so the agent asks the API of Kubernetes nothing.
 */
export function planLogAgent(tables: TelemetryTables): CollectorConfig {
  const exporter = clickhouseExporter('logs', tables);
  return {
    extensions: { ...health(), file_storage: { directory: collectorFolder } },
    receivers: {
      filelog: {
        include: ['/var/log/pods/*/*/*.log'],
        // The agent's own lines would make lines of their own for ever.
        exclude: ['/var/log/pods/*_log-agent-*/*/*.log'],
        start_at: 'beginning',
        include_file_path: true,
        storage: 'file_storage',
        max_log_size: '256KiB',
        operators: [
          { type: 'container', id: 'container' },
          {
            type: 'json_parser',
            if: 'body matches "^[{]"',
            parse_from: 'body',
            parse_to: 'attributes',
            on_error: 'send_quiet',
          },
        ],
      },
    },
    processors: {
      memory_limiter: memoryLimiter(),
      // A container is named after its service, so logs and traces of one service meet under one name.
      'transform/service': {
        error_mode: 'ignore',
        log_statements: [
          {
            context: 'log',
            statements: ['set(resource.attributes["service.name"], resource.attributes["k8s.container.name"])'],
          },
          { context: 'log', statements: severities.map(severityStatement) },
        ],
      },
      batch,
    },
    exporters: {
      clickhouse: { ...exporter, sending_queue: { ...exporter.sending_queue, storage: 'file_storage' } },
    },
    service: {
      extensions: ['health_check', 'file_storage'],
      telemetry: ownMetrics(),
      pipelines: {
        logs: {
          receivers: ['filelog'],
          processors: ['memory_limiter', 'transform/service', 'batch'],
          exporters: ['clickhouse'],
        },
      },
    },
  };
}

export interface TracePlan extends TelemetryTables {
  /** Of the traces that neither failed nor were slow, how many of a hundred are kept. Above 0, at most 100. */
  readonly samplePercent: number;
}

/**
 * The gateway decides about a trace when all of it is there: those that failed or were slow are kept, of the others a share. That needs
 * every span of a trace in one process, so there is one gateway.
 */
export function planTraceGateway(plan: TracePlan): CollectorConfig {
  assertShare(plan.samplePercent);
  return {
    extensions: health(),
    receivers: {
      otlp: {
        protocols: {
          grpc: { endpoint: `0.0.0.0:${otlpGrpcPort}` },
          http: { endpoint: `0.0.0.0:${otlpHttpPort}` },
        },
      },
    },
    processors: {
      memory_limiter: memoryLimiter(),
      tail_sampling: {
        decision_wait: `${decisionWaitSeconds}s`,
        num_traces: tracesInMemoryMax,
        policies: [
          { name: 'failed', type: 'status_code', status_code: { status_codes: ['ERROR'] } },
          { name: 'slow', type: 'latency', latency: { threshold_ms: slowTraceMs } },
          { name: 'share', type: 'probabilistic', probabilistic: { sampling_percentage: plan.samplePercent } },
        ],
      },
      batch,
    },
    exporters: { clickhouse: clickhouseExporter('traces', plan) },
    service: {
      extensions: ['health_check'],
      telemetry: ownMetrics(),
      pipelines: {
        traces: {
          receivers: ['otlp'],
          processors: ['memory_limiter', 'tail_sampling', 'batch'],
          exporters: ['clickhouse'],
        },
      },
    },
  };
}

/** What pino writes as `level`, and what it means. */
const severities = [
  { level: 20, word: 'DEBUG' },
  { level: 30, word: 'INFO' },
  { level: 40, word: 'WARN' },
  { level: 50, word: 'ERROR' },
  { level: 60, word: 'FATAL' },
] as const;

function severityStatement({ level, word }: (typeof severities)[number]): string {
  return `set(log.severity_text, "${word}") where log.attributes["level"] == ${level}`;
}

function clickhouseExporter(kind: 'logs' | 'traces', { days, cluster }: TelemetryTables) {
  if (!Number.isInteger(days) || days < 1 || days > daysMax) {
    const message = `${kind} would be kept for ${days} days`;
    throw new PlanError({ code: 'TELEMETRY_DAYS_INVALID', message, hint: `give 1 to ${daysMax} whole days` });
  }
  return {
    endpoint: '${env:CLICKHOUSE_URL}',
    username: '${env:CLICKHOUSE_USER}',
    password: `\${file:${collectorPasswordFile}}`,
    database: telemetryDatabase,
    create_schema: true,
    ttl: `${days * 24}h`,
    [`${kind}_table_name`]: kind,
    ...(cluster === undefined ? {} : { cluster_name: cluster, table_engine: { name: 'ReplicatedMergeTree' } }),
    timeout: '10s',
    retry_on_failure: { enabled: true, initial_interval: '1s', max_interval: '30s', max_elapsed_time: '600s' },
    sending_queue: { enabled: true, num_consumers: 2, queue_size: 200 },
  };
}

function assertShare(samplePercent: number): void {
  if (samplePercent > 0 && samplePercent <= 100) return;
  throw new PlanError({
    code: 'TRACE_SHARE_INVALID',
    message: `${samplePercent} of a hundred traces would be kept`,
    hint: 'give a number above 0 and at most 100',
  });
}

function memoryLimiter(): Record<string, unknown> {
  return {
    check_interval: '1s',
    limit_percentage: memoryLimitPercent,
    spike_limit_percentage: memorySpikePercent,
  };
}

function health(): Record<string, unknown> {
  return { health_check: { endpoint: `0.0.0.0:${collectorHealthPort}` } };
}

function ownMetrics(): Record<string, unknown> {
  const prometheus = { host: '0.0.0.0', port: collectorMetricsPort };
  return { metrics: { level: 'normal', readers: [{ pull: { exporter: { prometheus } } }] } };
}
