import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planLogAgent, planTraceGateway } from '#infra/planning/observability/telemetry.ts';

function refusedAs(code: string) {
  return (error: unknown) => error instanceof PlanError && error.code === code;
}

const exporterOf = (config: unknown) =>
  (config as { exporters: { clickhouse: Record<string, unknown> } }).exporters.clickhouse;

describe('the collectors’ configuration', () => {
  it('writes to the database of telemetry, drops what is older than asked, and holds no secret', () => {
    assert.deepEqual(exporterOf(planTraceGateway({ days: 3, samplePercent: 100 })), {
      endpoint: '${env:CLICKHOUSE_URL}',
      username: '${env:CLICKHOUSE_USER}',
      password: '${file:/run/orrery/password}',
      database: 'telemetry',
      create_schema: true,
      ttl: '72h',
      traces_table_name: 'traces',
      timeout: '10s',
      retry_on_failure: { enabled: true, initial_interval: '1s', max_interval: '30s', max_elapsed_time: '600s' },
      sending_queue: { enabled: true, num_consumers: 2, queue_size: 200 },
    });
  });

  it('replicates the tables where ClickHouse is a cluster', () => {
    const exporter = exporterOf(planLogAgent({ days: 30, cluster: 'main' }));
    assert.equal(exporter['cluster_name'], 'main');
    assert.deepEqual(exporter['table_engine'], { name: 'ReplicatedMergeTree' });
    assert.equal(exporter['ttl'], '720h');
  });

  it('keeps unwritten lines and its place in files beyond the life of an agent', () => {
    const config = planLogAgent({ days: 1 });
    assert.deepEqual(config['extensions'], {
      health_check: { endpoint: '0.0.0.0:13133' },
      file_storage: { directory: '/var/lib/orrery-collector' },
    });
    assert.deepEqual(exporterOf(config)['sending_queue'], {
      enabled: true,
      num_consumers: 2,
      queue_size: 200,
      storage: 'file_storage',
    });
    assert.deepEqual(config['receivers'], {
      filelog: {
        include: ['/var/log/pods/*/*/*.log'],
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
    });
  });

  it('names a line after its container and says how grave it is in words', () => {
    const processors = planLogAgent({ days: 1 })['processors'] as Record<string, unknown>;
    assert.deepEqual(processors['transform/service'], {
      error_mode: 'ignore',
      log_statements: [
        {
          context: 'log',
          statements: ['set(resource.attributes["service.name"], resource.attributes["k8s.container.name"])'],
        },
        {
          context: 'log',
          statements: [
            'set(log.severity_text, "DEBUG") where log.attributes["level"] == 20',
            'set(log.severity_text, "INFO") where log.attributes["level"] == 30',
            'set(log.severity_text, "WARN") where log.attributes["level"] == 40',
            'set(log.severity_text, "ERROR") where log.attributes["level"] == 50',
            'set(log.severity_text, "FATAL") where log.attributes["level"] == 60',
          ],
        },
      ],
    });
  });

  it('limits its memory before it does anything else, and makes large inserts last', () => {
    const orderOf = (config: unknown, kind: string) =>
      (config as { service: { pipelines: Record<string, unknown> } }).service.pipelines[kind];
    assert.deepEqual(orderOf(planLogAgent({ days: 1 }), 'logs'), {
      receivers: ['filelog'],
      processors: ['memory_limiter', 'transform/service', 'batch'],
      exporters: ['clickhouse'],
    });
    assert.deepEqual(orderOf(planTraceGateway({ days: 1, samplePercent: 5 }), 'traces'), {
      receivers: ['otlp'],
      processors: ['memory_limiter', 'tail_sampling', 'batch'],
      exporters: ['clickhouse'],
    });
  });

  it('keeps every trace that failed or was slow, and the asked share of the others', () => {
    const processors = planTraceGateway({ days: 1, samplePercent: 5 })['processors'] as Record<string, unknown>;
    assert.deepEqual(processors['tail_sampling'], {
      decision_wait: '10s',
      num_traces: 50_000,
      policies: [
        { name: 'failed', type: 'status_code', status_code: { status_codes: ['ERROR'] } },
        { name: 'slow', type: 'latency', latency: { threshold_ms: 1000 } },
        { name: 'share', type: 'probabilistic', probabilistic: { sampling_percentage: 5 } },
      ],
    });
    assert.deepEqual(processors['batch'], { send_batch_size: 5000, send_batch_max_size: 10_000, timeout: '5s' });
    assert.deepEqual(processors['memory_limiter'], {
      check_interval: '1s',
      limit_percentage: 75,
      spike_limit_percentage: 20,
    });
  });

  it('is refused for days that ClickHouse would not count, or a share of nothing', () => {
    for (const days of [0, 401, 1.5, Number.NaN]) {
      assert.throws(() => planLogAgent({ days }), refusedAs('TELEMETRY_DAYS_INVALID'));
    }
    for (const days of [1, 400]) assert.doesNotThrow(() => planLogAgent({ days }));
    for (const samplePercent of [0, -1, 100.1, Number.NaN]) {
      assert.throws(() => planTraceGateway({ days: 1, samplePercent }), refusedAs('TRACE_SHARE_INVALID'));
    }
    for (const samplePercent of [0.1, 100]) assert.doesNotThrow(() => planTraceGateway({ days: 1, samplePercent }));
  });
});
