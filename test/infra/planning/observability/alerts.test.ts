import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { PlanError } from '#infra/errors.ts';
import { planAlarms } from '#infra/planning/observability/alarms.ts';
import { alertGroups, planAlerts } from '#infra/planning/observability/alerts.ts';
import { planDashboards } from '#infra/planning/observability/dashboard-catalogue.ts';
import { verbs } from '#stacks/cli/verbs.ts';
import { createMetrics as featureMetrics } from '#services/features/src/metrics.ts';
import { createHistoryMetrics } from '#services/orchestrator/src/history/metrics.ts';
import { createMetrics as ingestMetrics } from '#services/ingest/src/metrics.ts';
import { createMetrics as orchestratorMetrics } from '#services/orchestrator/src/metrics.ts';

const request = { runbooksUrl: 'https://git.example.com/runbooks', namespace: 'orrery', monthlyUsd: 5000 };
const runbooks = new URL('../../../../docs/runbooks/', import.meta.url);
const everyAlarm = planAlarms({
  clusterName: 'c',
  natGatewayIds: ['nat-1'],
  redis: [
    { role: 'state', memberIds: ['a'] },
    { role: 'cache', memberIds: ['b'] },
  ],
  msk: { clusterName: 'k', brokers: 1 },
  queueName: 'q',
  tableNames: ['t'],
  buckets: [{ name: 'store', bucketName: 'b', filterId: 'all' }],
  loadBalancers: true,
});
const everyAlert = alertGroups(request).flatMap(({ alerts }) => alerts);

/** What the services export under our own names, asked of the very code that registers it. */
async function exported(): Promise<Set<string>> {
  const registry = new Registry();
  for (const create of [featureMetrics, ingestMetrics, orchestratorMetrics, createHistoryMetrics]) create(registry);
  const all = await registry.getMetricsAsJSON();
  return new Set(
    all.flatMap(({ name, type }) =>
      String(type) === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
}

const ours = (expression: string) => expression.match(/\borrery_[a-z_]+/g) ?? [];

describe('alerts', () => {
  it('tell severity, one sentence, and the address of their runbook', () => {
    const [services] = planAlerts(request);
    assert.equal(services?.name, 'services');
    assert.deepEqual(services.rules[0], {
      alert: 'ServiceDown',
      expr: 'kube_deployment_status_replicas_available{namespace="orrery"} == 0 and kube_deployment_spec_replicas{namespace="orrery"} > 0',
      for: '2m',
      labels: { severity: 'page' },
      annotations: {
        summary: 'No instance of {{ $labels.deployment }} is available.',
        runbook_url: 'https://git.example.com/runbooks/service-down.md',
      },
    });
  });

  it('have a name each, and are sentences', () => {
    const names = everyAlert.map(({ name }) => name);
    assert.deepEqual([...new Set(names)], names);
    for (const { name, summary } of [...everyAlert, ...everyAlarm]) assert.match(summary, /^[A-Z{].+\.$/, name);
  });

  it('wake somebody for these alone', () => {
    const pages = everyAlert.filter(({ severity }) => severity === 'page').map(({ name }) => name);
    assert.deepEqual(pages, [
      'ServiceDown',
      'ErrorBudgetBurns',
      'RunsRefused',
      'ShardClosed',
      'RedisDown',
      'QueueRefuses',
      'StateEvicted',
      'ClickHouseReadOnly',
      'KafkaUnderReplicated',
    ]);
  });

  it('wait so many minutes that nothing is told which passes by itself', () => {
    assert.deepEqual(Object.fromEntries(everyAlert.map(({ name, minutes }) => [name, minutes])), {
      ServiceDown: 2,
      ErrorBudgetBurns: 2,
      RequestsSlow: 15,
      FeatureVectorsSlow: 15,
      StepsFail: 15,
      LeasesLapse: 5,
      RunsRefused: 5,
      IngestFails: 5,
      ShardClosed: 2,
      ShardRepaired: 0,
      LogGaps: 0,
      LogRejects: 0,
      OutboxFills: 5,
      ResultsStale: 15,
      TriggersLate: 10,
      CircuitOpen: 5,
      RedisDown: 2,
      QueueRefuses: 5,
      StateEvicted: 0,
      ClickHouseReplicaLags: 10,
      ClickHouseReadOnly: 5,
      ClickHouseDiskFills: 15,
      KafkaUnderReplicated: 10,
      KafkaLagGrows: 15,
      GpuCapNear: 15,
      NodeNotReady: 10,
      PodCrashLoops: 10,
      VolumeFills: 30,
      CertificateExpires: 60,
      BackupMissing: 60,
      LogsLost: 15,
      NodesCostAboveBudget: 60,
    });
  });

  it('burn fast when both a short and a long window do', () => {
    const share = (window: string) =>
      `(sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_xx{envoy_response_code_class="5"}[${window}])) / sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_xx{}[${window}])))`;
    const burn = everyAlert.find(({ name }) => name === 'ErrorBudgetBurns');
    assert.equal(burn?.expression, `${share('1h')} > 0.0144 and ${share('5m')} > 0.0144`);
  });

  it('tell what a counter with labels counts for the first time', () => {
    const repaired = everyAlert.find(({ name }) => name === 'ShardRepaired');
    const repairs = 'orrery_orchestrator_repairs_total';
    assert.equal(
      repaired?.expression,
      `sum by (outcome) (increase(${repairs}[1h])) > 0 or (sum by (outcome) (${repairs}) > 0 unless sum by (outcome) (${repairs} offset 1h))`,
    );
  });

  it('watch the cost only where there is a budget', () => {
    const { monthlyUsd: _, ...without } = request;
    assert.deepEqual(
      planAlerts(without).map(({ name }) => name),
      ['services', 'redis', 'clickhouse', 'kafka', 'cluster'],
    );
    const [cost] = planAlerts(request).slice(-1);
    assert.equal(cost?.rules[0]?.expr, 'sum(avg_over_time(node_total_hourly_cost[6h])) * 730 > 5000');
  });

  it('ask only for metrics of ours that the services export', async () => {
    const known = await exported();
    const panels = planDashboards({ ...request, gpuQuota: 4, kafka: true }).flatMap((one) => one.panels);
    const questions = panels.flatMap((panel) => panel.questions);
    const asked = [...everyAlert, ...questions].flatMap(({ expression }) => ours(expression));
    assert.ok(asked.length > 15, `${asked.length} are too few to prove anything`);
    assert.deepEqual(
      asked.filter((name) => !known.has(name)),
      [],
    );
  });

  it('are refused with runbooks that no browser opens', () => {
    for (const runbooksUrl of ['http://a.example/b', 'https://a.example/', 'runbooks', 'https://a b/c']) {
      assert.throws(
        () => planAlerts({ ...request, runbooksUrl }),
        (error) => error instanceof PlanError && error.code === 'RUNBOOKS_INVALID',
        runbooksUrl,
      );
    }
  });
});

describe('runbooks', () => {
  const written = readdirSync(runbooks)
    .map((file) => file.replace(/\.md$/, ''))
    .sort();
  const textOf = (name: string) => readFileSync(new URL(`${name}.md`, runbooks), 'utf8');

  it('stand one for each alert and alarm, and none for nothing', () => {
    const named = [...everyAlert, ...everyAlarm].map(({ runbook }) => runbook);
    assert.deepEqual(written, [...new Set(named)].sort());
  });

  it('say what it means, how to look and what to do', () => {
    for (const name of written) {
      assert.match(textOf(name), /^# .+\n\n\S[^]+\n## How to look\n\n- [^]+\n## What to do\n\n1\. /, name);
    }
  });

  it('lead to pages that stand there, and name verbs that work', () => {
    const words = new Set(verbs.map((verb) => verb.name.split(' ')[0]));
    for (const name of written) {
      const text = textOf(name);
      for (const [, page] of text.matchAll(/\]\(([a-z-]+)\.md\)/g)) assert.ok(written.includes(page ?? ''), page);
      for (const [, verb] of text.matchAll(/npx orrery ([a-z]+)/g)) assert.ok(words.has(verb), `${name}: ${verb}`);
    }
  });
});
