import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Type, { type TProperties } from 'typebox';
import {
  clusterObservabilityRules,
  clusterObservabilitySettings,
  observabilityRules,
  observabilitySettings,
  type ClusterObservabilitySettings,
  type ObservabilitySettings,
} from '#stacks/settings/observability.ts';

const watching = {
  runbooksUrl: 'https://git.example.com/orrery/docs/runbooks',
  metrics: { retentionDays: 30, volumeGiB: 200, memoryMiB: 4096 },
  logDays: 30,
  traceDays: 14,
  traceSamplePercent: 5,
};
const cloud: ObservabilitySettings = {
  observability: {
    ...watching,
    alertEmails: ['platform@example.com'],
    metabase: { kind: 'postgres', instanceType: 'db.t4g.micro', volumeGiB: 20, backupDays: 14 },
  },
  budget: { monthlyUsd: 5000, emails: ['platform@example.com'] },
};
const cluster: ClusterObservabilitySettings = {
  observability: {
    ...watching,
    metabase: { kind: 'volume', volumeGiB: 5 },
    prices: { coreHour: 0, memoryGiBHour: 0, gpuHour: 0, volumeGiBMonth: 0 },
  },
};

/** Where a form does not fit, as `path keyword`. */
function misfits(settings: TProperties, value: unknown): string[] {
  const schema = Type.Object(settings, { additionalProperties: false });
  const validate = new Ajv2020({ allErrors: true, strict: false, discriminator: true }).compile(schema);
  return validate(value)
    ? []
    : (validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`);
}

const changed = (change: Partial<ObservabilitySettings['observability']>): ObservabilitySettings => ({
  ...cloud,
  observability: { ...cloud.observability, ...change },
});
const findIn = (settings: ObservabilitySettings, environment: string) =>
  observabilityRules.flatMap((rule) => rule.find(settings, environment)).map(({ path }) => path);

describe('the settings of observability', () => {
  it('fit a cloud, and a cluster that is there already', () => {
    assert.deepEqual(misfits(observabilitySettings, cloud), []);
    assert.deepEqual(misfits(clusterObservabilitySettings, cluster), []);
    assert.deepEqual(findIn(cloud, 'prod'), []);
    assert.deepEqual(
      clusterObservabilityRules.flatMap((rule) => rule.find(cluster, 'edge')),
      [],
    );
  });

  it('refuse what has no form: where, and why', () => {
    const wrong = {
      observability: {
        ...cloud.observability,
        runbooksUrl: 'http://git.example.com/',
        traceSamplePercent: 0,
        logDays: 401,
        alertEmails: ['nobody'],
        metabase: { kind: 'postgres', instanceType: 'large', volumeGiB: 19, backupDays: 0 },
      },
      budget: { monthlyUsd: 0.5, emails: [] },
    };
    assert.deepEqual(misfits(observabilitySettings, wrong).sort(), [
      '/budget/emails minItems',
      '/budget/monthlyUsd minimum',
      '/budget/monthlyUsd type',
      '/observability/alertEmails/0 pattern',
      '/observability/logDays maximum',
      '/observability/metabase/backupDays minimum',
      '/observability/metabase/instanceType pattern',
      '/observability/metabase/volumeGiB minimum',
      '/observability/runbooksUrl pattern',
      '/observability/traceSamplePercent exclusiveMinimum',
    ]);
  });

  it('know no server of AWS outside AWS, and no letters', () => {
    const { prices: _, ...observability } = cluster.observability;
    const wrong = {
      observability: { ...observability, metabase: cloud.observability.metabase, alertEmails: ['a@example.com'] },
    };
    assert.deepEqual(misfits(clusterObservabilitySettings, wrong).sort(), [
      '/observability additionalProperties',
      '/observability required',
      '/observability/metabase discriminator',
    ]);
  });

  it('keep prod from a Metabase that a crash can break, and from forgetting within two weeks', () => {
    const weak = changed({
      metabase: { kind: 'volume', volumeGiB: 5 },
      logDays: 13,
      metrics: { retentionDays: 13, volumeGiB: 200, memoryMiB: 4096 },
    });
    assert.deepEqual(findIn(weak, 'prod'), [
      'observability.metabase',
      'observability.logDays',
      'observability.metrics.retentionDays',
    ]);
    assert.deepEqual(findIn(weak, 'dev'), []);
    assert.deepEqual(findIn(changed({ metabase: { kind: 'none' }, logDays: 14 }), 'prod'), []);
  });

  it('say in one place what the planners refuse', () => {
    const metrics = { retentionDays: 30, volumeGiB: 1, memoryMiB: 4096 };
    assert.deepEqual(findIn(changed({ metrics }), 'dev'), ['observability.metrics']);
    assert.deepEqual(findIn({ ...cloud, budget: { ...cloud.budget, monthlyUsd: 0 } }, 'dev'), ['budget.monthlyUsd']);
    const small = { observability: { ...cluster.observability, metrics } };
    assert.deepEqual(
      clusterObservabilityRules.flatMap((rule) => rule.find(small, 'edge')).map(({ path }) => path),
      ['observability.metrics'],
    );
  });
});
