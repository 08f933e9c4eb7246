import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import { restrictedContainer } from './pod-security.ts';
import { collectorHealthPort, collectorMetricsPort } from './telemetry.ts';
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
  /** Secret whose key `password` opens ClickHouse. */
  readonly secretName: Input<string>;
  /** Cores, requested; memory is requested and limited alike. */
  readonly cpu: string;
  readonly memoryMiB: number;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly mounts: readonly types.input.core.v1.VolumeMount[];
}

export const passwordKey = 'password';
export const collectorConfigFolder = '/etc/orrery-collector';
export const collectorConfigFile = 'config.yaml';
/** The share of its memory at which the Go runtime collects harder, so that the limiter has something left to refuse with. */
const goMemoryShare = 0.8;

/** The one container of a collector: its configuration mounted, its secret in the environment, its health asked. */
export function planCollectorContainer(plan: CollectorContainer): types.input.core.v1.Container {
  const { store, memoryMiB } = plan;
  const probe = { httpGet: { path: '/', port: 'health' } };
  return {
    name: 'collector',
    image: plan.image,
    args: [`--config=${collectorConfigFolder}/${collectorConfigFile}`],
    env: [
      { name: 'CLICKHOUSE_URL', value: store.url },
      { name: 'CLICKHOUSE_USER', value: store.username },
      { name: 'CLICKHOUSE_PASSWORD', valueFrom: { secretKeyRef: { name: plan.secretName, key: passwordKey } } },
      { name: 'GOMEMLIMIT', value: `${Math.floor(memoryMiB * goMemoryShare)}MiB` },
    ],
    ports: [
      { name: 'health', containerPort: collectorHealthPort },
      { name: metricsPortName, containerPort: collectorMetricsPort },
      ...plan.ports,
    ],
    resources: { requests: { cpu: plan.cpu, memory: `${memoryMiB}Mi` }, limits: { memory: `${memoryMiB}Mi` } },
    securityContext: restrictedContainer(),
    startupProbe: { ...probe, periodSeconds: 2, failureThreshold: 60 },
    livenessProbe: { ...probe, periodSeconds: 15, timeoutSeconds: 5, failureThreshold: 3 },
    readinessProbe: { ...probe, periodSeconds: 5, timeoutSeconds: 3 },
    volumeMounts: [{ name: 'config', mountPath: collectorConfigFolder, readOnly: true }, ...plan.mounts],
  };
}
