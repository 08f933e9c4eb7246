import assert from 'node:assert/strict';
import type { types } from '@pulumi/kubernetes';
import { ClickHouse, type ClickHouseArchive, type ClickHouseArgs } from '#infra/data/clickhouse.ts';
import { PlanError } from '#infra/errors.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

type CronJob = types.output.batch.v1.CronJobSpec;

const archive: ClickHouseArchive = {
  clusterName: 'orrery-dev',
  region: 'eu-west-1',
  keyArn: 'arn:aws:kms:::key/1',
  cold: { bucket: { bucketName: 'cold-1', arn: 'arn:aws:s3:::cold-1' }, afterDays: 30 },
  backup: { bucket: { bucketName: 'backups-1', arn: 'arn:aws:s3:::backups-1' }, schedule: '0 1 * * *' },
};

function recordClickHouse(others: Partial<ClickHouseArgs> = {}) {
  return record(
    () =>
      new ClickHouse('clickhouse', {
        namespace: 'orrery',
        image: `registry.example/clickhouse:1.2.3@sha256:${'a'.repeat(64)}`,
        database: 'orrery',
        password: { secretName: 'token-secret', key: 'token' },
        shards: 2,
        replicas: 2,
        keepers: 3,
        keeperHost: 'keeper-1',
        keeperLabels: { 'app.kubernetes.io/name': 'clickhouse-keeper' },
        cpu: 2,
        memoryMiB: 8192,
        volumeGiB: 200,
        nodePools: true,
        clients: [{ namespace: 'orrery-system' }],
        after: [],
        ...others,
      }),
  );
}

function scriptOf(recording: Awaited<ReturnType<typeof recordClickHouse>>, name: string): string {
  return (resourceNamed(recording, name).inputs['data'] as Record<string, string>)['run.sh'] ?? '';
}

describe('ClickHouse', () => {
  it('is an installation of the operator that nothing deletes, by a name that its claims carry', async () => {
    const recording = await recordClickHouse();
    assert.deepEqual(outline(recording), [
      'orrery:data:ClickHouse clickhouse',
      'kubernetes:core/v1:ServiceAccount clickhouse-account < clickhouse',
      'kubernetes:clickhouse.altinity.com/v1:ClickHouseInstallation clickhouse-installation < clickhouse',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy clickhouse-traffic < clickhouse',
    ]);
    const installation = resourceNamed(recording, 'clickhouse-installation');
    assert.deepEqual([installation.protect, installation.retainOnDelete], [true, true]);
    assert.deepEqual(installation.inputs['metadata'], { name: 'clickhouse', namespace: 'orrery' });
    assert.deepEqual([...recording.completed], ['clickhouse']);
  });

  it('is reached over HTTP by one name', async () => {
    const recording = await recordClickHouse();
    assert.equal(await recording.textOf(recording.result.url), 'http://clickhouse.orrery.svc:8123');
  });

  it('lets in its namespace and those it is told, and goes out to its keepers and names alone', async () => {
    const spec = resourceNamed(await recordClickHouse(), 'clickhouse-traffic').inputs[
      'spec'
    ] as types.output.networking.v1.NetworkPolicySpec;
    const labels = { 'app.kubernetes.io/name': 'clickhouse', 'app.kubernetes.io/part-of': 'orrery' };
    assert.deepEqual(spec.podSelector, { matchLabels: labels });
    assert.deepEqual(spec.ingress, [
      {
        from: [
          { podSelector: {} },
          { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'orrery-system' } } },
        ],
        ports: [8123, 9000, 9363].map((port) => ({ protocol: 'TCP', port })),
      },
      { from: [{ podSelector: { matchLabels: labels } }], ports: [{ protocol: 'TCP', port: 9009 }] },
    ]);
    assert.deepEqual(
      spec.egress.map(({ ports }) => ports.map(({ port }) => port)),
      [[8123, 9000, 9009], [2181], [53, 53]],
    );
  });

  it('moves old parts and copies itself to S3, by the role of its pods and nothing broader', async () => {
    const recording = await recordClickHouse({ archive });
    assert.deepEqual(
      outline(recording).filter((line) => !line.includes('clickhouse-traffic')),
      [
        'orrery:data:ClickHouse clickhouse',
        'kubernetes:core/v1:ServiceAccount clickhouse-account < clickhouse',
        'kubernetes:batch/v1:CronJob clickhouse-backup-job < clickhouse',
        'kubernetes:core/v1:ConfigMap clickhouse-backup-script < clickhouse',
        'kubernetes:networking.k8s.io/v1:NetworkPolicy clickhouse-backup-traffic < clickhouse',
        'kubernetes:batch/v1:CronJob clickhouse-cold-job < clickhouse',
        'kubernetes:core/v1:ConfigMap clickhouse-cold-script < clickhouse',
        'kubernetes:networking.k8s.io/v1:NetworkPolicy clickhouse-cold-traffic < clickhouse',
        'aws:eks/podIdentityAssociation:PodIdentityAssociation clickhouse-identity < clickhouse',
        'kubernetes:clickhouse.altinity.com/v1:ClickHouseInstallation clickhouse-installation < clickhouse',
        'aws:iam/rolePolicy:RolePolicy clickhouse-policy < clickhouse',
        'aws:iam/role:Role clickhouse-role < clickhouse',
      ],
    );
    const policy = JSON.parse(String(resourceNamed(recording, 'clickhouse-policy').inputs['policy'])) as {
      Statement: { Action: string[]; Resource: string[] }[];
    };
    assert.deepEqual(
      policy.Statement.map(({ Action, Resource }) => [Action, Resource]),
      [
        [['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], ['arn:aws:s3:::cold-1/*']],
        [['s3:ListBucket'], ['arn:aws:s3:::cold-1']],
        [['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'], ['arn:aws:s3:::backups-1/*']],
        [['s3:DeleteObject'], ['arn:aws:s3:::backups-1/*/.lock']],
        [['s3:ListBucket'], ['arn:aws:s3:::backups-1']],
        [['kms:Decrypt', 'kms:GenerateDataKey'], ['arn:aws:kms:::key/1']],
      ],
    );
    assert.ok(resourceNamed(recording, 'clickhouse-installation').dependencies.includes('clickhouse-identity'));
  });

  it('backs up each shard once, and moves on every server', async () => {
    const recording = await recordClickHouse({ archive });
    const backup = scriptOf(recording, 'clickhouse-backup-script');
    assert.ok(backup.includes('for host in chi-clickhouse-orrery-0-0 chi-clickhouse-orrery-1-0; do'));
    assert.ok(
      backup.includes("BACKUP DATABASE orrery TO S3('https://backups-1.s3.eu-west-1.amazonaws.com/$at/$host')"),
    );
    const cold = scriptOf(recording, 'clickhouse-cold-script');
    assert.ok(
      cold.includes(
        'for host in chi-clickhouse-orrery-0-0 chi-clickhouse-orrery-0-1 chi-clickhouse-orrery-1-0 chi-clickhouse-orrery-1-1; do',
      ),
    );
    assert.ok(cold.includes('modification_time < now() - INTERVAL 30 DAY'));
    assert.ok(cold.includes("ALTER TABLE orrery.\\`$table\\` MOVE PART '$part' TO VOLUME 'cold'"));
  });

  it('has jobs that hold no right and no password, and never run twice at a time', async () => {
    const spec = resourceNamed(await recordClickHouse({ archive, nodePools: false }), 'clickhouse-backup-job').inputs[
      'spec'
    ] as CronJob;
    assert.deepEqual([spec.schedule, spec.timeZone, spec.concurrencyPolicy], ['0 1 * * *', 'Etc/UTC', 'Forbid']);
    assert.equal(spec.startingDeadlineSeconds, 3600);
    const pod = spec.jobTemplate.spec.template.spec;
    const amount = { cpu: '0.1', memory: '256Mi', 'ephemeral-storage': '128Mi' };
    assert.deepEqual(pod.containers[0]?.resources, { requests: amount, limits: amount });
    assert.deepEqual([pod.serviceAccountName, pod.automountServiceAccountToken], [undefined, false]);
    assert.deepEqual(pod.containers[0].command, ['sh', '/etc/orrery/run.sh']);
    assert.equal(pod.containers[0].env, undefined);
    assert.equal(pod.nodeSelector, undefined);
  });

  it('does by the clock only what it is told a bucket for', async () => {
    const { cold: _, ...backupOnly } = archive;
    const withBackup = outline(await recordClickHouse({ archive: backupOnly }));
    assert.ok(withBackup.some((line) => line.includes('clickhouse-backup-job')));
    assert.ok(!withBackup.some((line) => line.includes('clickhouse-cold-job')));
    const { backup: __, ...coldOnly } = archive;
    const withCold = outline(await recordClickHouse({ archive: coldOnly }));
    assert.ok(!withCold.some((line) => line.includes('clickhouse-backup-job')));
    assert.ok(withCold.some((line) => line.includes('clickhouse-cold-job')));
  });

  it('refuses keepers without a majority before it makes anything', async () => {
    await assert.rejects(
      recordClickHouse({ keepers: 2 }),
      (error) => error instanceof PlanError && error.code === 'CLICKHOUSE_KEEPERS_INVALID',
    );
  });
});
