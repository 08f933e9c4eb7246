import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import {
  planCollectorContainer,
  planCollectorVolumes,
  type TelemetryStore,
} from '../planning/observability/collector-pod.ts';
import { restrictedContainer, restrictedPod } from '../planning/pod-security.ts';
import { collectorFolder, planLogAgent } from '../planning/observability/telemetry.ts';
import { imageReference } from '../planning/versions.ts';
import { createCollectorInputs } from './collector-inputs.ts';

export interface LogAgentArgs {
  /** A namespace that admits pods that read files of their node: Pod Security `privileged`. */
  readonly namespace: Input<string>;
  /** The ClickHouse into which lines are written, and the user who writes. */
  readonly store: TelemetryStore;
  /** Days that lines are kept. 1 to 400. */
  readonly days: number;
  /** Memory of each agent in MiB, requested and limited alike. Default 256. */
  readonly memoryMiB?: number;
  /** What has to stand before its pods can become ready: ClickHouse. Default nothing. */
  readonly after?: readonly Resource[];
}

const logsFolder = '/var/log/pods';
const agentUser = 10_001;
/** The lines of containers belong to root, and containerd lets root's group read them. */
const root = 0;

/**
 * An OpenTelemetry collector on every node, which reads the lines of all containers and writes them into our own ClickHouse. What it
 * has not written yet, and where it stood, outlives it in a folder of its node, which a container that ends at once opens to it as root:
 * what reads everybody’s lines is not root itself.
 * Cost driver: memory on each node, and rows in ClickHouse times the days that they are kept.
 * Refuses: to keep lines for less than a day or more than 400. It was not tried under Bottlerocket's SELinux.
 */
export class LogAgent extends ComponentResource {
  constructor(name: string, args: LogAgentArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:LogAgent', name, {}, options);
    const labels = { 'app.kubernetes.io/name': 'log-agent', 'app.kubernetes.io/part-of': 'orrery' };
    const { namespace, store } = args;
    const tables = store.cluster === undefined ? {} : { cluster: store.cluster };
    const config = planLogAgent({ days: args.days, ...tables });
    const made = createCollectorInputs(this, name, { namespace, labels, config, password: store.password });
    const container = planCollectorContainer({
      image: imageReference('opentelemetry-collector'),
      store,
      cpuMilli: 50,
      memoryMiB: args.memoryMiB ?? 256,
      ports: [],
      mounts: [
        { name: 'logs', mountPath: logsFolder, readOnly: true },
        { name: 'state', mountPath: collectorFolder },
      ],
    });
    new kubernetes.apps.v1.DaemonSet(
      `${name}-agents`,
      {
        // Its own files are told from others by this name, see planLogAgent.
        metadata: { namespace, labels, name: 'log-agent' },
        spec: {
          selector: { matchLabels: labels },
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '20%' } },
          template: {
            metadata: { labels },
            spec: {
              automountServiceAccountToken: false,
              priorityClassName: 'system-node-critical',
              tolerations: [{ operator: 'Exists' }],
              securityContext: { ...restrictedPod(agentUser), supplementalGroups: [root] },
              initContainers: [openFolder()],
              containers: [container],
              volumes: [
                ...planCollectorVolumes(made),
                { name: 'logs', hostPath: { path: logsFolder, type: 'Directory' } },
                { name: 'state', hostPath: { path: collectorFolder, type: 'DirectoryOrCreate' } },
              ],
            },
          },
        },
      },
      { parent: this, dependsOn: [...(args.after ?? [])] },
    );
    this.registerOutputs({});
  }
}

/** The kubelet makes the folder as root's alone. Root needs no capability to change what is its own. */
function openFolder(): kubernetes.types.input.core.v1.Container {
  const amount = { cpu: '10m', memory: '16Mi', 'ephemeral-storage': '16Mi' };
  return {
    name: 'open-folder',
    // Any image with a shell does, and nodes hold this one already where Redis is a pod.
    image: imageReference('valkey'),
    command: ['chmod', '0770', collectorFolder],
    resources: { requests: amount, limits: amount },
    securityContext: { ...restrictedContainer(), runAsNonRoot: false, runAsUser: root, runAsGroup: agentUser },
    volumeMounts: [{ name: 'state', mountPath: collectorFolder }],
  };
}
