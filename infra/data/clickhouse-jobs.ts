import * as kubernetes from '@pulumi/kubernetes';
import { interpolate, type ComponentResource, type Input, type Output, type Resource } from '@pulumi/pulumi';
import { planBackupScript, planColdScript } from '../planning/data/clickhouse-jobs.ts';
import { clickHousePorts, planClickHouseHosts, type ClickHouseSize } from '../planning/data/clickhouse.ts';
import { allowDns, allowPeers, planNetworkPolicy } from '../planning/platform/network-policy.ts';
import { restrictedContainer, restrictedPod } from '../planning/pod-security.ts';
import { poolLabel } from '../planning/compute/pools.ts';
import type { ClickHouseArchive } from './clickhouse.ts';

export interface ClickHouseJobsRequest {
  readonly namespace: Input<string>;
  /** The image of the servers: their client is in it. */
  readonly image: string;
  readonly database: string;
  readonly password: { readonly secretName: Input<string>; readonly key: string };
  readonly nodePools: boolean;
  readonly size: ClickHouseSize;
  /** Name of the installation. */
  readonly server: string;
  readonly serverLabels: Readonly<Record<string, string>>;
  readonly archive: ClickHouseArchive;
  readonly after: Resource;
}

interface Job {
  readonly schedule: string;
  readonly script: Output<string>;
}

const jobUser = 10_001;
const secretFolder = '/run/orrery';
const scriptFolder = '/etc/orrery';
const backupSecondsMax = 6 * 3600;
/** What could not begin in this time waits for the next day, rather than run into people's work. */
const startSecondsMax = 3600;
/** While few ask: every night at three. */
const moveSchedule = '0 3 * * *';

/** What happens to a ClickHouse by the clock, as children of its component: `<name>-backup…` and `<name>-cold…`. */
export function createClickHouseJobs(parent: ComponentResource, name: string, request: ClickHouseJobsRequest): void {
  const { archive, database, size, server } = request;
  const { cold, backup, region } = archive;
  const job = { hosts: planClickHouseHosts(server, size), database, passwordFile: `${secretFolder}/token` };
  if (backup !== undefined) {
    const endpoint = interpolate`https://${backup.bucket.bucketName}.s3.${region}.amazonaws.com/`;
    const script = planBackupScript(job, endpoint);
    createJob(parent, `${name}-backup`, { schedule: backup.schedule, script }, request);
  }
  if (cold !== undefined) {
    createJob(parent, `${name}-cold`, { schedule: moveSchedule, script: planColdScript(job, cold.afterDays) }, request);
  }
}

function createJob(parent: ComponentResource, name: string, job: Job, request: ClickHouseJobsRequest): void {
  const { namespace, after, serverLabels } = request;
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'orrery' };
  const metadata = { namespace, labels };
  const script = new kubernetes.core.v1.ConfigMap(
    `${name}-script`,
    { metadata, immutable: true, data: { 'run.sh': job.script } },
    { parent },
  );
  new kubernetes.batch.v1.CronJob(
    `${name}-job`,
    {
      metadata,
      spec: {
        schedule: job.schedule,
        timeZone: 'Etc/UTC',
        concurrencyPolicy: 'Forbid',
        startingDeadlineSeconds: startSecondsMax,
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          spec: {
            backoffLimit: 1,
            activeDeadlineSeconds: backupSecondsMax,
            template: { metadata: { labels }, spec: podSpec(request, script.metadata.name) },
          },
        },
      },
    },
    { parent, dependsOn: [after] },
  );
  new kubernetes.networking.v1.NetworkPolicy(
    `${name}-traffic`,
    {
      metadata: { namespace },
      spec: planNetworkPolicy(
        [allowPeers({ to: [{ labels: serverLabels }], ports: [clickHousePorts.native] }), allowDns()],
        labels,
      ),
    },
    { parent },
  );
}

function podSpec(
  { image, password, nodePools }: ClickHouseJobsRequest,
  scriptName: Output<string>,
): kubernetes.types.input.core.v1.PodSpec {
  const amount = { cpu: '0.1', memory: '256Mi', 'ephemeral-storage': '128Mi' };
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: restrictedPod(jobUser),
    ...(nodePools ? { nodeSelector: { [poolLabel]: 'general' } } : {}),
    restartPolicy: 'Never',
    containers: [
      {
        name: 'client',
        image,
        imagePullPolicy: 'Always',
        command: ['sh', `${scriptFolder}/run.sh`],
        resources: { requests: amount, limits: amount },
        securityContext: restrictedContainer(),
        volumeMounts: [
          { name: 'script', mountPath: scriptFolder, readOnly: true },
          { name: 'secret', mountPath: secretFolder, readOnly: true },
          { name: 'temporary', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      { name: 'script', configMap: { name: scriptName } },
      {
        name: 'secret',
        secret: {
          secretName: password.secretName,
          defaultMode: 0o440,
          items: [{ key: password.key, path: 'token' }],
        },
      },
      { name: 'temporary', emptyDir: { sizeLimit: '64Mi' } },
    ],
  };
}
