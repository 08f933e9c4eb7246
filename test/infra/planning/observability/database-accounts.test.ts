import assert from 'node:assert/strict';
import { planDatabaseAccounts } from '#infra/planning/observability/database-accounts.ts';

describe('the users of ClickHouse beside the services', () => {
  it('let collectors write telemetry and read nothing else', () => {
    const { telemetry } = planDatabaseAccounts('orrery');
    assert.deepEqual(telemetry, {
      username: 'orrery_telemetry',
      grants: [
        'GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, SHOW, INSERT, SELECT ON telemetry.*',
        'GRANT CLUSTER ON *.*',
      ],
      settings: { max_memory_usage: '1073741824', max_execution_time: '60' },
    });
  });

  it('let people read, change nothing, and never take the whole server', () => {
    const { bi } = planDatabaseAccounts('orrery');
    assert.deepEqual(bi, {
      username: 'orrery_bi',
      grants: ['GRANT SHOW, SELECT ON orrery.*', 'GRANT SHOW, SELECT ON telemetry.*'],
      settings: {
        readonly: '2',
        max_execution_time: '60',
        max_memory_usage: '2147483648',
        max_rows_to_read: '5000000000',
        max_result_rows: '1000000',
        max_concurrent_queries_for_user: '8',
        priority: '10',
      },
    });
  });
});
