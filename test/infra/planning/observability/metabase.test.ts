import assert from 'node:assert/strict';
import { planMetabaseContainer, type MetabaseHome } from '#infra/planning/observability/metabase.ts';

const plan = {
  image: `registry.example/metabase:1@sha256:${'d'.repeat(64)}`,
  memoryMiB: 2048,
};
const own = [
  { name: 'MB_JETTY_PORT', value: '3000' },
  { name: 'JAVA_OPTS', value: '-Xmx1433m' },
  { name: 'MB_ANON_TRACKING_ENABLED', value: 'false' },
  { name: 'MB_CHECK_FOR_UPDATES', value: 'false' },
  { name: 'MB_LOAD_SAMPLE_CONTENT', value: 'false' },
  { name: 'MB_PLUGINS_DIR', value: '/plugins' },
];
const containerOf = (home: MetabaseHome) => planMetabaseContainer({ ...plan, home });

describe('the container of Metabase', () => {
  it('keeps what people build in a file of its volume, and leaves a third of its memory to threads and code', () => {
    const { env, volumeMounts } = containerOf({ kind: 'volume', volumeGiB: 5 });
    assert.deepEqual(env, [
      ...own,
      { name: 'MB_DB_TYPE', value: 'h2' },
      { name: 'MB_DB_FILE', value: '/metabase-data/metabase.db' },
    ]);
    assert.deepEqual(volumeMounts, [
      { name: 'secret', mountPath: '/run/orrery', readOnly: true },
      { name: 'temporary', mountPath: '/tmp' },
      { name: 'plugins', mountPath: '/plugins' },
      { name: 'data', mountPath: '/metabase-data' },
    ]);
  });

  it('keeps it in Postgres where there is one, its password read from the Secret’s folder', () => {
    const home = { kind: 'postgres', host: 'db.example', database: 'metabase', username: 'bi', password: 'x' } as const;
    const { env, volumeMounts, command } = containerOf(home);
    assert.deepEqual(env, [
      ...own,
      { name: 'MB_DB_TYPE', value: 'postgres' },
      { name: 'MB_DB_HOST', value: 'db.example' },
      { name: 'MB_DB_PORT', value: '5432' },
      { name: 'MB_DB_DBNAME', value: 'metabase' },
      { name: 'MB_DB_USER', value: 'bi' },
    ]);
    assert.deepEqual(command, [
      'sh',
      '-c',
      'MB_ENCRYPTION_SECRET_KEY="$(cat /run/orrery/encryption)" && export MB_ENCRYPTION_SECRET_KEY && ' +
        'MB_DB_PASS="$(cat /run/orrery/password)" && export MB_DB_PASS && exec /app/run_metabase.sh',
    ]);
    assert.equal((volumeMounts as unknown[]).length, 3);
  });

  it('may take ten minutes to make its tables, and is given up after a minute without an answer', () => {
    const container = containerOf({ kind: 'volume', volumeGiB: 5 });
    const httpGet = { path: '/api/health', port: 'http' };
    assert.deepEqual(container.startupProbe, { httpGet, periodSeconds: 5, failureThreshold: 120 });
    assert.deepEqual(container.livenessProbe, {
      tcpSocket: { port: 'http' },
      periodSeconds: 15,
      timeoutSeconds: 5,
      failureThreshold: 4,
    });
    assert.deepEqual(container.readinessProbe, { httpGet, periodSeconds: 10, timeoutSeconds: 5 });
  });
});
