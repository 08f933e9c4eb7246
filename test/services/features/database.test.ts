import assert from 'node:assert/strict';
import { openClickHouse } from '@orrery/kit/clickhouse';
import { createDatabase } from '#services/features/src/database.ts';
import { ReplicatedStandIn } from '#test/support/replicated-stand-in.ts';

const statements = new Map([['create_thing', 'CREATE TABLE thing (day Date) ENGINE = MergeTree ORDER BY day']]);

describe('the database of features', () => {
  it('copies the rows of the tables that it makes where the database has replicas', async () => {
    const server = new ReplicatedStandIn();
    const client = openClickHouse({ url: await server.start(), database: 'orrery', token: 't', service: 'features' });
    await createDatabase({ client, statements, threadsMax: 1, queryTimeoutSeconds: 5 }).run('create_thing');
    await client.close();
    server.stop();
    const made = server.asked.find((asked) => asked.includes('CREATE TABLE thing'));
    assert.ok(made?.includes('ENGINE = ReplicatedMergeTree ORDER BY day'), made);
  });
});
