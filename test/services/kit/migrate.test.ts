import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ClickHouseClient } from '@clickhouse/client';
import { migrate, openClickHouse } from '@orrery/kit/clickhouse';
import { silentLog } from '@orrery/kit/log';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { ReplicatedStandIn } from '#test/support/replicated-stand-in.ts';

const file = '001_create_events.sql';
const migration = `-- Events; the ENGINE = MergeTree is said below.
CREATE TABLE IF NOT EXISTS events (a String)
ENGINE = ReplacingMergeTree
ORDER BY a
SETTINGS non_replicated_deduplication_window = 100;
CREATE TABLE IF NOT EXISTS others (a String) ENGINE = MergeTree ORDER BY a
`;
const digest = createHash('sha256').update(migration).digest('hex');

describe('migrations', () => {
  let folder: string;
  const options = () => ({ service: 'probe', folder: pathToFileURL(`${folder}/`), log: silentLog() });

  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'orrery-migrations-'));
    writeFileSync(path.join(folder, file), migration);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  describe('on one server', () => {
    let server: ClickHouse;
    let client: ClickHouseClient;
    const rows = async (query: string) => (await client.query({ query, format: 'JSONEachRow' })).json();

    before(async () => {
      server = await startClickHouse();
      client = server.client();
    });
    after(() => server.stop());

    it('are applied as they stand, once, and remembered by their text', async () => {
      await migrate(client, options());
      await migrate(client, options());
      assert.deepEqual(
        await rows('SELECT name, engine FROM system.tables WHERE database = currentDatabase() ORDER BY name'),
        [
          { name: 'events', engine: 'ReplacingMergeTree' },
          { name: 'migrations', engine: 'MergeTree' },
          { name: 'others', engine: 'MergeTree' },
        ],
      );
      assert.deepEqual(await rows('SELECT service, file, digest FROM migrations'), [
        { service: 'probe', file, digest },
      ]);
    });

    it('are refused when one that was applied has other text', async () => {
      writeFileSync(path.join(folder, file), `${migration}\n`);
      await assert.rejects(migrate(client, options()), { code: 'MIGRATION_CHANGED' });
      writeFileSync(path.join(folder, file), migration);
    });
  });

  describe('on servers with replicas', () => {
    const standIn = new ReplicatedStandIn();
    after(() => standIn.stop());

    it('make tables whose rows are copied, the ledger among them, and are remembered by the text as it was written', async () => {
      const client = openClickHouse({ url: await standIn.start(), database: 'orrery', token: 't', service: 'probe' });
      await migrate(client, options());
      await client.close();
      const engines = standIn.asked.flatMap((asked) =>
        [...asked.matchAll(/^[^-\n]*(EXISTS \w+)[\s\S]*?(ENGINE = \w+)/gm)].map(
          ([, table, engine]) => `${table} ${engine}`,
        ),
      );
      assert.deepEqual(engines, [
        'EXISTS migrations ENGINE = ReplicatedMergeTree',
        'EXISTS events ENGINE = ReplicatedReplacingMergeTree',
        'EXISTS others ENGINE = ReplicatedMergeTree',
      ]);
      const told = standIn.asked.filter((asked) => asked.includes('INSERT INTO migrations'));
      assert.deepEqual(
        told.map((asked) => JSON.parse(asked.slice(asked.indexOf('{'))) as unknown),
        [{ service: 'probe', file, digest }],
      );
    });
  });
});
