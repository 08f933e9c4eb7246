import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import { keeperPorts, planClaimTemplate } from './clickhouse.ts';
import { restrictedContainer, restrictedPod } from '../pod-security.ts';
import { poolLabel } from '../compute/pools.ts';

export interface KeeperSpecRequest {
  readonly image: string;
  /** 1, 3 or 5. */
  readonly keepers: number;
  readonly storageClassName: Input<string> | undefined;
  readonly nodePools: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

const keeperUser = 101;
const keeperVolumeGiB = 10;
const dataFolder = '/var/lib/clickhouse-keeper';

/** The `spec` of a ClickHouseKeeperInstallation, clickhouse-keeper.altinity.com/v1. */
export function planKeeperSpec(request: KeeperSpecRequest) {
  const { keepers, storageClassName } = request;
  return {
    defaults: {
      storageManagement: { provisioner: 'StatefulSet', reclaimPolicy: 'Retain' },
      templates: { podTemplate: 'keeper', dataVolumeClaimTemplate: 'data' },
    },
    configuration: {
      clusters: [{ name: 'keepers', pdbManaged: 'yes', pdbMaxUnavailable: 1, layout: { replicasCount: keepers } }],
      settings: { 'logger/level': 'information', 'logger/console': 'true' },
    },
    templates: {
      podTemplates: [planKeeperPod(request)],
      volumeClaimTemplates: [planClaimTemplate({ volumeGiB: keeperVolumeGiB, storageClassName })],
    },
  };
}

function planKeeperPod({ image, labels, nodePools }: KeeperSpecRequest) {
  const ready = { path: '/ready', port: keeperPorts.control };
  const spec: types.input.core.v1.PodSpec = {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: restrictedPod(keeperUser),
    ...(nodePools ? { nodeSelector: { [poolLabel]: 'general' } } : {}),
    // Keepers that fall together are no majority: never two on a node, and as few as can be in a zone.
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { ...labels } } },
        ],
      },
    },
    topologySpreadConstraints: [
      {
        topologyKey: 'topology.kubernetes.io/zone',
        maxSkew: 1,
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { ...labels } },
      },
    ],
    containers: [
      {
        name: 'clickhouse-keeper',
        image,
        env: [{ name: 'CLICKHOUSE_DATA_DIR', value: dataFolder }],
        ports: Object.entries(keeperPorts).map(([name, containerPort]) => ({ name, containerPort })),
        resources: { requests: { cpu: '0.25', memory: '512Mi' }, limits: { cpu: '1', memory: '512Mi' } },
        securityContext: restrictedContainer(),
        readinessProbe: { httpGet: ready, periodSeconds: 5, failureThreshold: 12 },
        livenessProbe: { tcpSocket: { port: keeperPorts.client }, initialDelaySeconds: 15, periodSeconds: 15 },
        volumeMounts: [
          { name: 'logs', mountPath: '/var/log/clickhouse-keeper' },
          { name: 'temporary', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: ['logs', 'temporary'].map((name) => ({ name, emptyDir: { sizeLimit: '256Mi' } })),
  };
  return { name: 'keeper', metadata: { labels }, spec };
}
