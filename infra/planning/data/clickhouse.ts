import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';
import { restrictedContainer, restrictedPod } from '../pod-security.ts';
import { poolLabel } from '../compute/pools.ts';

export interface ClickHouseSize {
  /** Parts that the rows are spread over, 1 to 32. */
  readonly shards: number;
  /** Copies of each shard, 1 to 3: each stands in a zone of its own. */
  readonly replicas: number;
  /** Keepers, by whose majority the copies agree: 1, 3 or 5. */
  readonly keepers: number;
}

/** A place in S3 that the servers reach by the role of their pods. */
export interface ClickHousePlace {
  /** For example `https://bucket.s3.eu-west-1.amazonaws.com/`. */
  readonly endpoint: Input<string>;
  readonly region: string;
}

/** A user of the servers beside `default`, made by their configuration. */
export interface ClickHouseUser {
  readonly username: string;
  /** Statements under `<grants><query>`: what it may do, and nothing else. */
  readonly grants: readonly string[];
  /** Settings of its profile, for example `{ readonly: '2' }`. */
  readonly settings: Readonly<Record<string, string>>;
  /** The Secret in the same namespace, and its key, that hold its password. */
  readonly secretName: Input<string>;
  readonly secretKey: string;
}

export interface ClickHouseSpecRequest extends ClickHouseSize {
  /** Physical name of the installation: the claims of its volumes are named after it. */
  readonly name: string;
  readonly image: string;
  readonly database: string;
  readonly password: { readonly secretName: Input<string>; readonly key: string };
  /** Users beside `default`. */
  readonly users: readonly ClickHouseUser[];
  readonly keeperHost: Input<string>;
  readonly serviceAccountName: Input<string>;
  readonly storageClassName: Input<string> | undefined;
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly volumeGiB: number;
  readonly nodePools: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Where old parts go. Undefined: they stay on the volume. */
  readonly cold: ClickHousePlace | undefined;
  /** Where backups go. Undefined: there are none. */
  readonly backups: ClickHousePlace | undefined;
}

export const clickHousePorts = { http: 8123, native: 9000, interserver: 9009, metrics: 9363 } as const;
export const keeperPorts = { client: 2181, raft: 9444, control: 9182 } as const;
/** Name of the one cluster of an installation: it stands in the names of its servers. */
export const clickHouseCluster = 'orrery';
export const coldVolume = 'cold';

const clickHouseUser = 101;
const zonesMax = 3;
const shardsMax = 32;

/** Refuses what can't agree or can't be placed. */
export function planClickHouse(size: ClickHouseSize): ClickHouseSize {
  const { shards, replicas, keepers } = size;
  if (!Number.isInteger(shards) || shards < 1 || shards > shardsMax) {
    throw refuse('CLICKHOUSE_SHARDS_INVALID', `ClickHouse has ${shards} shards`, `give it 1 to ${shardsMax}`);
  }
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > zonesMax) {
    const message = `ClickHouse has ${replicas} replicas of each shard`;
    throw refuse('CLICKHOUSE_REPLICAS_INVALID', message, `give it 1 to ${zonesMax}: each stands in a zone of its own`);
  }
  if (![1, 3, 5].includes(keepers)) {
    const message = `ClickHouse has ${keepers} keepers`;
    throw refuse(
      'CLICKHOUSE_KEEPERS_INVALID',
      message,
      'give it 1, 3 or 5: an even number survives no more than one less',
    );
  }
  return size;
}

/** The servers by the names under which the operator lets each be reached, shard by shard. */
export function planClickHouseHosts(name: string, { shards, replicas }: ClickHouseSize): string[][] {
  return Array.from({ length: shards }, (_, shard) =>
    Array.from({ length: replicas }, (_, replica) => `chi-${name}-${clickHouseCluster}-${shard}-${replica}`),
  );
}

/** The `spec` of a ClickHouseInstallation, clickhouse.altinity.com/v1. */
export function planClickHouseSpec(request: ClickHouseSpecRequest) {
  const { shards, replicas } = planClickHouse(request);
  const { keeperHost, users } = request;
  return {
    defaults: {
      // A claim outlives its server, the installation and the operator.
      storageManagement: { provisioner: 'StatefulSet', reclaimPolicy: 'Retain' },
      templates: { podTemplate: 'server', dataVolumeClaimTemplate: 'data', serviceTemplate: 'service' },
    },
    reconcile: {
      // The operator's own default deletes claims that it does not know.
      cleanup: { unknownObjects: { pvc: 'Retain' }, reconcileFailedObjects: { pvc: 'Retain' } },
    },
    configuration: {
      zookeeper: { nodes: [{ host: keeperHost, port: keeperPorts.client }] },
      users: planClickHouseUsers(request),
      profiles: Object.assign({}, ...users.map(planProfile)) as Readonly<Record<string, string>>,
      settings: planClickHouseSettings(request),
      clusters: [
        {
          name: clickHouseCluster,
          // Servers know each other by a secret of the operator's, not by the password of a user.
          secret: { auto: 'True' },
          pdbManaged: 'yes',
          pdbMaxUnavailable: 1,
          layout: { shardsCount: shards, replicasCount: replicas },
        },
      ],
    },
    templates: {
      podTemplates: [planClickHousePod(request)],
      volumeClaimTemplates: [planClaimTemplate(request)],
      serviceTemplates: [
        {
          name: 'service',
          generateName: '{chi}',
          spec: {
            type: 'ClusterIP',
            // A pod stays with its replica: what it wrote a moment ago may not have reached the other.
            sessionAffinity: 'ClientIP',
            ports: [
              { name: 'http', port: clickHousePorts.http },
              { name: 'tcp', port: clickHousePorts.native },
            ],
          },
        },
      ],
    },
  };
}

/** The users by path; who reaches the port at all, the network policy says. */
function planClickHouseUsers({ password, users }: ClickHouseSpecRequest) {
  const everyone = [{ username: 'default', secretName: password.secretName, secretKey: password.key }, ...users];
  const known = everyone.map(({ username, secretName, secretKey }) => ({
    [`${username}/password`]: { valueFrom: { secretKeyRef: { name: secretName, key: secretKey } } },
    [`${username}/networks/ip`]: ['::/0'],
  }));
  const bounded = users.map(({ username, grants }) => ({
    [`${username}/profile`]: username,
    [`${username}/grants/query`]: [...grants],
  }));
  return Object.assign({}, ...known, ...bounded) as Readonly<Record<string, unknown>>;
}

function planProfile({ username, settings }: ClickHouseUser): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(settings).map(([setting, value]) => [`${username}/${setting}`, value]));
}

/** The servers' own settings, by path: `a/b` is the element b in a. */
export function planClickHouseSettings(
  request: Pick<ClickHouseSpecRequest, 'database' | 'cold' | 'backups'>,
): Record<string, Input<string>> {
  const { database, cold, backups } = request;
  const disk = 'storage_configuration/disks/cold';
  const volumes = 'storage_configuration/policies/tiered/volumes';
  return {
    'logger/level': 'information',
    'logger/console': 'true',
    'prometheus/endpoint': '/metrics',
    'prometheus/port': String(clickHousePorts.metrics),
    'prometheus/metrics': 'true',
    'prometheus/events': 'true',
    'prometheus/asynchronous_metrics': 'true',
    // A replicated database repeats on every server what is defined on one; rows are copied where a table's engine is a Replicated one.
    'startup_scripts/scripts/query': `CREATE DATABASE IF NOT EXISTS ${database} ENGINE = Replicated('/clickhouse/databases/${database}', '{shard}', '{replica}')`,
    ...(cold === undefined
      ? {}
      : {
          [`${disk}/type`]: 's3',
          [`${disk}/endpoint`]: cold.endpoint,
          [`${disk}/region`]: cold.region,
          [`${disk}/use_environment_credentials`]: 'true',
          [`${volumes}/hot/disk`]: 'default',
          [`${volumes}/hot/volume_priority`]: '1',
          [`${volumes}/${coldVolume}/disk`]: 'cold',
          [`${volumes}/${coldVolume}/volume_priority`]: '2',
          'merge_tree/storage_policy': 'tiered',
        }),
    ...(backups === undefined
      ? {}
      : {
          's3/backups/endpoint': backups.endpoint,
          's3/backups/region': backups.region,
          's3/backups/use_environment_credentials': 'true',
        }),
  };
}

function planClickHousePod(request: ClickHouseSpecRequest) {
  const { image, cpu, memoryMiB, labels, nodePools, serviceAccountName } = request;
  const amount = { cpu: String(cpu), memory: `${memoryMiB}Mi` };
  const ping = { path: '/ping', port: clickHousePorts.http };
  const spec: types.input.core.v1.PodSpec = {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    serviceAccountName,
    securityContext: restrictedPod(clickHouseUser),
    ...(nodePools ? { nodeSelector: { [poolLabel]: 'general' } } : {}),
    terminationGracePeriodSeconds: 120,
    containers: [
      {
        name: 'clickhouse',
        image,
        ports: Object.entries(clickHousePorts).map(([name, containerPort]) => ({ name, containerPort })),
        resources: { requests: amount, limits: amount },
        securityContext: restrictedContainer(),
        startupProbe: { httpGet: ping, periodSeconds: 5, failureThreshold: 120 },
        readinessProbe: { httpGet: ping, periodSeconds: 5 },
        livenessProbe: { httpGet: ping, periodSeconds: 15, failureThreshold: 4 },
        volumeMounts: [
          { name: 'logs', mountPath: '/var/log/clickhouse-server' },
          { name: 'temporary', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: ['logs', 'temporary'].map((name) => ({ name, emptyDir: { sizeLimit: '1Gi' } })),
  };
  return {
    name: 'server',
    // No two copies of a shard in one zone, and no two servers on one node.
    podDistribution: [
      {
        type: 'ShardAntiAffinity',
        scope: 'ClickHouseInstallation',
        topologyKey: 'topology.kubernetes.io/zone',
      },
      { type: 'ClickHouseAntiAffinity', scope: 'ClickHouseInstallation' },
    ],
    metadata: { labels },
    spec,
  };
}

/** One claim a server, as both operators' resources ask for it. */
export function planClaimTemplate(request: {
  readonly volumeGiB: number;
  readonly storageClassName: Input<string> | undefined;
}) {
  const { volumeGiB, storageClassName } = request;
  return {
    name: 'data',
    reclaimPolicy: 'Retain',
    spec: {
      accessModes: ['ReadWriteOnce'],
      ...(storageClassName === undefined ? {} : { storageClassName }),
      resources: { requests: { storage: `${volumeGiB}Gi` } },
    },
  };
}

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
