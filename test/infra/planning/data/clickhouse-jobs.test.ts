import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Output } from '@pulumi/pulumi';
import { planBackupScript, planColdScript } from '#infra/planning/data/clickhouse-jobs.ts';

/** Runs a script where `clickhouse-client` writes down what it is asked, and answers a SELECT by `answer`. */
async function run(script: Output<string>, folder: string, answer: string) {
  const text = await new Promise<string>((resolve) => script.apply(resolve));
  writeFileSync(
    join(folder, 'clickhouse-client'),
    `#!/bin/sh\necho "$CLICKHOUSE_PASSWORD $2 $8" >&2\ncase "$8" in SELECT*) ${answer} ;; esac\n`,
    { mode: 0o755 },
  );
  const path = `${folder}:${process.env['PATH'] ?? ''}`;
  const { status, stderr } = spawnSync('sh', ['-c', text], { encoding: 'utf8', env: { PATH: path }, timeout: 10_000 });
  return { status, asked: stderr.split('\n').filter((line) => line !== '') };
}

describe('what happens to a ClickHouse by the clock', () => {
  let folder: string;
  let job: { hosts: string[][]; database: string; passwordFile: string };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-clickhouse-'));
    writeFileSync(join(folder, 'token'), 'secret\n');
    job = { hosts: [['a0', 'a1'], ['b0']], database: 'orrery', passwordFile: join(folder, 'token') };
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('backs up each shard from its first server, to one folder of that time', async () => {
    const { status, asked } = await run(planBackupScript(job, 'https://bucket.example/'), folder, 'true');
    assert.equal(status, 0);
    assert.deepEqual(
      asked.map((line) => line.replace(/\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z/, 'TIME')),
      [
        "secret a0 BACKUP DATABASE orrery TO S3('https://bucket.example/TIME/a0')",
        "secret b0 BACKUP DATABASE orrery TO S3('https://bucket.example/TIME/b0')",
      ],
    );
  });

  it('moves each old part of each server', async () => {
    const { status, asked } = await run(planColdScript(job, 30), folder, "printf 'runs\\tall_1_1_0\\n'");
    assert.equal(status, 0);
    assert.equal(asked.length, 6);
    assert.equal(
      asked[0],
      "secret a0 SELECT table, name FROM system.parts WHERE database = 'orrery' AND active AND disk_name = 'default' AND modification_time < now() - INTERVAL 30 DAY",
    );
    assert.equal(asked[1], "secret a0 ALTER TABLE orrery.`runs` MOVE PART 'all_1_1_0' TO VOLUME 'cold'");
    assert.equal(asked[5], "secret b0 ALTER TABLE orrery.`runs` MOVE PART 'all_1_1_0' TO VOLUME 'cold'");
  });

  it('moves nothing where nothing is old, and fails where it can not ask', async () => {
    const idle = await run(planColdScript(job, 30), folder, 'true');
    assert.deepEqual([idle.status, idle.asked.length], [0, 3]);
    const broken = await run(planColdScript(job, 30), folder, 'exit 3');
    assert.deepEqual([broken.status, broken.asked.length], [3, 1]);
  });
});
