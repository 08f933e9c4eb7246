import assert from 'node:assert/strict';
import { planDashboards } from '#infra/planning/observability/dashboard-catalogue.ts';
import { dashboardJson, line, number, table } from '#infra/planning/observability/dashboards.ts';

describe('a dashboard', () => {
  it('is the same text for the same panels, three of them in a row', () => {
    const dashboard = {
      uid: 'one',
      title: 'One',
      panels: [
        line('Lines', 's', ['rate(a[5m])', '{{pod}}'], ['rate(b[5m])', 'b']),
        number('Number', 'currencyUSD', 'sum(c)'),
        table('Table', 'count by (d) (e)'),
        line('Next row', 'short', ['f', 'f']),
      ],
    };
    assert.equal(dashboardJson(dashboard), dashboardJson(dashboard));
    const { panels, ...head } = JSON.parse(dashboardJson(dashboard)) as { panels: Record<string, unknown>[] };
    const datasource = { type: 'prometheus', uid: '${source}' };
    assert.deepEqual(head, {
      uid: 'one',
      title: 'One',
      tags: ['orrery'],
      schemaVersion: 39,
      editable: false,
      refresh: '1m',
      time: { from: 'now-6h', to: 'now' },
      templating: { list: [{ name: 'source', type: 'datasource', query: 'prometheus', label: 'Source' }] },
    });
    assert.deepEqual(panels[0], {
      id: 1,
      title: 'Lines',
      type: 'timeseries',
      datasource,
      gridPos: { h: 8, w: 8, x: 0, y: 0 },
      fieldConfig: { defaults: { unit: 's' }, overrides: [] },
      targets: [
        { refId: 'A', datasource, expr: 'rate(a[5m])', legendFormat: '{{pod}}' },
        { refId: 'B', datasource, expr: 'rate(b[5m])', legendFormat: 'b' },
      ],
    });
    assert.deepEqual(
      panels.map(({ type, gridPos }) => [type, gridPos]),
      [
        ['timeseries', { h: 8, w: 8, x: 0, y: 0 }],
        ['stat', { h: 8, w: 8, x: 8, y: 0 }],
        ['table', { h: 8, w: 8, x: 16, y: 0 }],
        ['timeseries', { h: 8, w: 8, x: 0, y: 8 }],
      ],
    );
    assert.deepEqual(panels[2]?.['targets'], [
      { refId: 'A', datasource, expr: 'count by (d) (e)', legendFormat: '', instant: true, format: 'table' },
    ]);
  });
});

describe('the dashboards of an environment', () => {
  const uids = (request: Parameters<typeof planDashboards>[0]) => planDashboards(request).map(({ uid }) => uid);

  it('are those of what it has', () => {
    const always = [
      'orrery-overview',
      'orrery-queues',
      'orrery-workflows',
      'orrery-cost',
      'orrery-clickhouse',
      'orrery-redis',
    ];
    assert.deepEqual(uids({ namespace: 'orrery', kafka: false }), always);
    assert.deepEqual(uids({ namespace: 'orrery', kafka: true, gpuQuota: 4 }), [
      'orrery-overview',
      'orrery-queues',
      'orrery-workflows',
      'orrery-gpus',
      'orrery-cost',
      'orrery-clickhouse',
      'orrery-redis',
      'orrery-kafka',
    ]);
  });

  it('tell release and version of each service', () => {
    const [overview] = planDashboards({ namespace: 'orrery', kafka: false });
    assert.deepEqual(overview?.panels[0]?.questions, [
      {
        expression:
          'count by (label_app_kubernetes_io_name, label_app_kubernetes_io_version, label_orrery_dev_release) (kube_deployment_labels{namespace="orrery"})',
        legend: '',
      },
    ]);
  });

  it('hold GPUs against the cap, and the cost against the budget where there is one', () => {
    const request = { namespace: 'orrery', kafka: false, gpuQuota: 4 };
    const panel = (monthlyUsd: object, uid: string, title: string) =>
      planDashboards({ ...request, ...monthlyUsd })
        .find((one) => one.uid === uid)
        ?.panels.find((one) => one.title === title)
        ?.questions.map(({ expression }) => expression);
    const quota = (type: string) =>
      `sum(kube_resourcequota{namespace="orrery", type="${type}", resource="requests.nvidia.com/gpu"})`;
    assert.deepEqual(panel({}, 'orrery-gpus', 'Asked for, against the cap of 4'), [quota('used'), quota('hard')]);
    const monthly = 'sum(avg_over_time(node_total_hourly_cost[6h])) * 730';
    assert.deepEqual(panel({}, 'orrery-cost', 'Nodes, a month'), [monthly]);
    assert.deepEqual(panel({ monthlyUsd: 400 }, 'orrery-cost', 'Nodes, a month'), [monthly, 'vector(400)']);
  });
});
