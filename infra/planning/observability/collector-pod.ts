import path from 'node:path';
import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import { cpuBurst, restrictedContainer } from '../pod-security.ts';
import { collectorHealthPort, collectorMetricsPort, collectorPasswordFile } from './telemetry.ts';
import { metricsPortName } from './scrapes.ts';

/** Who writes logs and traces into ClickHouse, and where. */
export interface TelemetryStore {
  /** Over HTTP or HTTPS, for example `http://clickhouse.orrery.svc:8123`. */
  readonly url: Input<string>;
  /** A user who may insert into, and make tables in, the database `telemetry`. */
  readonly username: string;
  readonly password: Input<string>;
  /** Name of the ClickHouse cluster whose replicas all hold the rows. Default: a single server. */
  readonly cluster?: string;
}

export interface CollectorContainer {
  readonly image: string;
  readonly store: TelemetryStore;
  /** Thousandths of a core, requested; up to four times as many may be used. Memory is requested and limited alike. */
  readonly cpuMilli: number;
  readonly memoryMiB: number;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly mounts: readonly types.input.core.v1.VolumeMount[];
}

export const passwordKey = 'password';
export const collectorConfigFolder = '/etc/orrery-collector';
export const collectorConfigFile = 'config.yaml';
/** The share of its memory at which the Go runtime collects harder, so that the limiter has something left to refuse with. */
const goMemoryShare = 0.8;

const secretFolder = path.dirname(collectorPasswordFile);
/** What its own log takes on the node's disk. */
const ephemeralStorage = { request: '64Mi', limit: '256Mi' };

/** What a collector's container mounts: its configuration, and the Secret whose key `password` opens ClickHouse. */
export function planCollectorVolumes(names: {
  readonly configName: Input<string>;
  readonly secretName: Input<string>;
}): types.input.core.v1.Volume[] {
  return [
    { name: 'config', configMap: { name: names.configName } },
    {
      name: 'secret',
      secret: {
        secretName: names.secretName,
        defaultMode: 0o440,
        items: [{ key: passwordKey, path: path.basename(collectorPasswordFile) }],
      },
    },
  ];
}

/** The one container of a collector: its configuration and its password mounted, its health asked. */
export function planCollectorContainer(plan: CollectorContainer): types.input.core.v1.Container {
  const { store, memoryMiB, cpuMilli } = plan;
  const memory = `${memoryMiB}Mi`;
  // Its extension of health tells whether what it reads and writes runs; that it lives, any answer tells.
  const ready = { httpGet: { path: '/', port: 'health' } };
  const live = { httpGet: { path: '/metrics', port: metricsPortName } };
  return {
    name: 'collector',
    image: plan.image,
    args: [`--config=${collectorConfigFolder}/${collectorConfigFile}`],
    env: [
      { name: 'CLICKHOUSE_URL', value: store.url },
      { name: 'CLICKHOUSE_USER', value: store.username },
      { name: 'GOMEMLIMIT', value: `${Math.floor(memoryMiB * goMemoryShare)}MiB` },
    ],
    ports: [
      { name: 'health', containerPort: collectorHealthPort },
      { name: metricsPortName, containerPort: collectorMetricsPort },
      ...plan.ports,
    ],
    resources: {
      requests: { cpu: `${cpuMilli}m`, memory, 'ephemeral-storage': ephemeralStorage.request },
      limits: { cpu: `${cpuMilli * cpuBurst}m`, memory, 'ephemeral-storage': ephemeralStorage.limit },
    },
    securityContext: restrictedContainer(),
    startupProbe: { ...ready, periodSeconds: 2, failureThreshold: 60 },
    livenessProbe: { ...live, periodSeconds: 15, timeoutSeconds: 5, failureThreshold: 3 },
    readinessProbe: { ...ready, periodSeconds: 5, timeoutSeconds: 3 },
    volumeMounts: [
      { name: 'config', mountPath: collectorConfigFolder, readOnly: true },
      { name: 'secret', mountPath: secretFolder, readOnly: true },
      ...plan.mounts,
    ],
  };
}
