import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import { passwordKey } from './collector-pod.ts';
import { restrictedContainer } from './pod-security.ts';

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
  /** Secret with the keys `password` (of Postgres, where there is one) and `encryption`. */
  readonly secretName: Input<string>;
  readonly memoryMiB: number;
}

export const metabasePort = 3000;
export const encryptionKey = 'encryption';
const dataFolder = '/metabase-data';
/** The rest is for threads, code and buffers, which the Java runtime keeps outside its heap. */
const heapShare = 0.7;

/** The one container of Metabase: nothing is told to its makers, nothing is fetched, its data home is mounted or reached. */
export function planMetabaseContainer(plan: MetabaseContainer): types.input.core.v1.Container {
  const { home, memoryMiB, secretName } = plan;
  const probe = { httpGet: { path: '/api/health', port: 'http' } };
  const secret = (key: string) => ({ secretKeyRef: { name: secretName, key } });
  return {
    name: 'metabase',
    image: plan.image,
    env: [
      { name: 'MB_JETTY_PORT', value: String(metabasePort) },
      { name: 'JAVA_OPTS', value: `-Xmx${Math.floor(memoryMiB * heapShare)}m` },
      { name: 'MB_ENCRYPTION_SECRET_KEY', valueFrom: secret(encryptionKey) },
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
            { name: 'MB_DB_PASS', valueFrom: secret(passwordKey) },
          ]),
    ],
    ports: [{ name: 'http', containerPort: metabasePort }],
    resources: { requests: { cpu: '200m', memory: `${memoryMiB}Mi` }, limits: { memory: `${memoryMiB}Mi` } },
    securityContext: restrictedContainer(),
    // Its first start makes the tables of its own database, which takes minutes.
    startupProbe: { ...probe, periodSeconds: 5, failureThreshold: 120 },
    livenessProbe: { ...probe, periodSeconds: 15, timeoutSeconds: 5, failureThreshold: 4 },
    readinessProbe: { ...probe, periodSeconds: 10, timeoutSeconds: 5 },
    volumeMounts: [
      { name: 'temporary', mountPath: '/tmp' },
      { name: 'plugins', mountPath: '/plugins' },
      ...(home.kind === 'volume' ? [{ name: 'data', mountPath: dataFolder }] : []),
    ],
  };
}
