import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import { passwordKey } from './collector-pod.ts';
import { cpuBurst, restrictedContainer } from '../pod-security.ts';

/**
 * Where Metabase keeps what people build in it. `volume`: a file of H2, which Metabase itself advises against where it matters, because
 * a crash can break it; for environments that may lose it. `postgres`: a server.
 */
export type MetabaseHome =
  | {
      readonly kind: 'volume';
      readonly volumeGiB: number;
      /** Class of the volume. Default: the cluster's default. */
      readonly storageClass?: Input<string>;
    }
  | {
      readonly kind: 'postgres';
      readonly host: Input<string>;
      readonly database: string;
      readonly username: string;
      readonly password: Input<string>;
    };

export interface MetabaseContainer {
  readonly image: string;
  readonly home: MetabaseHome;
  readonly memoryMiB: number;
}

export const metabasePort = 3000;
export const encryptionKey = 'encryption';
/** Where the Secret is mounted whose keys are `encryption` and, where there is a Postgres, `password`. */
export const metabaseSecretFolder = '/run/orrery';
const dataFolder = '/metabase-data';
/** The rest is for threads, code and buffers, which the Java runtime keeps outside its heap. */
const heapShare = 0.7;
const cpuMilli = 200;
/** What the image itself starts. */
const entryPoint = '/app/run_metabase.sh';

/** The one container of Metabase: nothing is told to its makers, nothing is fetched, its data home is mounted or reached. */
export function planMetabaseContainer(plan: MetabaseContainer): types.input.core.v1.Container {
  const { home, memoryMiB } = plan;
  const memory = `${memoryMiB}Mi`;
  const ready = { httpGet: { path: '/api/health', port: 'http' } };
  return {
    name: 'metabase',
    image: plan.image,
    command: ['sh', '-c', startScript(home)],
    env: [
      { name: 'MB_JETTY_PORT', value: String(metabasePort) },
      { name: 'JAVA_OPTS', value: `-Xmx${Math.floor(memoryMiB * heapShare)}m` },
      { name: 'MB_ANON_TRACKING_ENABLED', value: 'false' },
      { name: 'MB_CHECK_FOR_UPDATES', value: 'false' },
      { name: 'MB_LOAD_SAMPLE_CONTENT', value: 'false' },
      { name: 'MB_PLUGINS_DIR', value: '/plugins' },
      ...(home.kind === 'volume'
        ? [
            { name: 'MB_DB_TYPE', value: 'h2' },
            { name: 'MB_DB_FILE', value: `${dataFolder}/metabase.db` },
          ]
        : [
            { name: 'MB_DB_TYPE', value: 'postgres' },
            { name: 'MB_DB_HOST', value: home.host },
            { name: 'MB_DB_PORT', value: '5432' },
            { name: 'MB_DB_DBNAME', value: home.database },
            { name: 'MB_DB_USER', value: home.username },
          ]),
    ],
    ports: [{ name: 'http', containerPort: metabasePort }],
    resources: {
      requests: { cpu: `${cpuMilli}m`, memory, 'ephemeral-storage': '256Mi' },
      // Above its temporary folders, which are limited themselves.
      limits: { cpu: `${cpuMilli * cpuBurst}m`, memory, 'ephemeral-storage': '2Gi' },
    },
    securityContext: restrictedContainer(),
    // Its first start makes the tables of its own database, which takes minutes.
    startupProbe: { ...ready, periodSeconds: 5, failureThreshold: 120 },
    // Its health asks its database: one that is away makes it not ready, and starting it again would not bring that back.
    livenessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 15, timeoutSeconds: 5, failureThreshold: 4 },
    readinessProbe: { ...ready, periodSeconds: 10, timeoutSeconds: 5 },
    volumeMounts: [
      { name: 'secret', mountPath: metabaseSecretFolder, readOnly: true },
      { name: 'temporary', mountPath: '/tmp' },
      { name: 'plugins', mountPath: '/plugins' },
      ...(home.kind === 'volume' ? [{ name: 'data', mountPath: dataFolder }] : []),
    ],
  };
}

/** Metabase reads secrets from its environment alone, so they get there when it starts, and stand in no object of Kubernetes but the Secret. */
function startScript({ kind }: MetabaseHome): string {
  const read = (variable: string, key: string) => `${variable}="$(cat ${metabaseSecretFolder}/${key})"`;
  const words = [
    read('MB_ENCRYPTION_SECRET_KEY', encryptionKey),
    ...(kind === 'postgres' ? [read('MB_DB_PASS', passwordKey)] : []),
  ];
  return [...words.flatMap((word) => [word, `export ${word.split('=')[0] ?? ''}`]), `exec ${entryPoint}`].join(' && ');
}
