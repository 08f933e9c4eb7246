import { isAtLeast, isTrue, unmet } from './demand.ts';
import { valueAt, type Graph, type Resource } from './graph.ts';
import { isRedisStore, roleOfStore } from './redis-store.ts';
import { missingFrom, violationAt, type Environment, type Rule, type Violation } from './rule.ts';

const clickhouse = /^kubernetes:(clickhouse\.altinity\.com\/v1:ClickHouseInstallation|apps\/v1:StatefulSet)$/;

export const dataBackedUp: Rule = {
  name: 'data-backed-up',
  why: 'protect and retain keep a store that works; what a bad write or a lost volume took comes from a backup alone',
  remedy: 'snapshots of Redis, point-in-time recovery of DynamoDB, a CronJob that backs up ClickHouse',
  scope: 'graph',
  check: (graph, environment) =>
    environment.backupDaysMin === 0
      ? []
      : [...graph.resources.flatMap((resource) => checkStore(resource, environment)), ...checkClickHouse(graph)],
};

function checkStore(resource: Resource, { backupDaysMin }: Environment): Violation[] {
  if (isRedisStore(resource) && roleOfStore(resource) === 'state') {
    const problem = `must be ${backupDaysMin} or more`;
    return unmet(resource, [{ property: 'snapshotRetentionLimit', accepts: isAtLeast(backupDaysMin), problem }]);
  }
  if (resource.type === 'aws:rds/instance:Instance') {
    const problem = `must be ${backupDaysMin} or more`;
    return unmet(resource, [{ property: 'backupRetentionPeriod', accepts: isAtLeast(backupDaysMin), problem }]);
  }
  if (resource.type !== 'aws:dynamodb/table:Table') return [];
  return unmet(resource, [{ property: 'pointInTimeRecovery.enabled', accepts: isTrue, problem: 'must be on' }]);
}

function checkClickHouse({ resources }: Graph): Violation[] {
  const stores = resources.filter(({ type, name }) => clickhouse.test(type) && /clickhouse/i.test(name));
  if (stores.length === 0) return [];
  const jobs = resources.filter(({ type, name }) => type === 'kubernetes:batch/v1:CronJob' && /backup/.test(name));
  const suspended = jobs.filter(({ inputs }) => valueAt(inputs, 'spec.suspend') === true);
  if (jobs.length === 0) return [missingFrom('backup', 'no CronJob backs up ClickHouse')];
  return suspended.map((job) => violationAt(job, { property: 'spec.suspend', value: true }, 'backs up nothing'));
}
