import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import { metricsNames } from '../planning/observability/metrics.ts';
import { restrictedContainer, restrictedPod } from '../planning/pod-security.ts';
import { createChart } from '../platform/chart.ts';

export interface ClusterCostArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** By which OpenCost names the cluster, for example `orrery-dev`. */
  readonly clusterId: Input<string>;
  /** Dollars an hour of a core, a GiB of memory, a GPU, and a GiB of a volume a month, where no cloud has a list of prices. Default: the cloud's list. */
  readonly prices?: NodePrices;
  /** Labels of the nodes that it runs on. Default: any node. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** What has to stand first: Prometheus. */
  readonly after: readonly Resource[];
}

export interface NodePrices {
  readonly coreHour: number;
  readonly memoryGiBHour: number;
  readonly gpuHour: number;
  readonly volumeGiBMonth: number;
}

const openCostUser = 1001;
const hoursOfMonth = 730;

/**
 * OpenCost: what each namespace and pod costs, from requests, use and prices of nodes.
 * Cost driver: 128 MiB of a node.
 * Refuses nothing. It reckons by list prices; what AWS charges, the budget watches.
 */
export class ClusterCost extends ComponentResource {
  constructor(name: string, args: ClusterCostArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:ClusterCost', name, {}, options);
    const { namespace, nodeSelector } = args;
    const resources = { requests: { cpu: '10m', memory: '128Mi' }, limits: { memory: '512Mi' } };
    createChart(
      `${name}-opencost`,
      {
        chart: 'opencost',
        namespace,
        values: {
          podSecurityContext: restrictedPod(openCostUser),
          opencost: {
            exporter: { defaultClusterId: args.clusterId, resources, securityContext: restrictedContainer() },
            ...(args.prices === undefined ? {} : { customPricing: customPricing(args.prices) }),
            metrics: { serviceMonitor: { enabled: true } },
            prometheus: {
              internal: {
                enabled: true,
                serviceName: metricsNames.prometheus,
                namespaceName: namespace,
                port: metricsNames.prometheusPort,
              },
            },
            ...(nodeSelector === undefined ? {} : { nodeSelector }),
            // A page and an interface for models that nobody authenticates at: the figures stand in Grafana.
            ui: { enabled: false },
            mcp: { enabled: false },
          },
        },
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.registerOutputs({});
  }
}

function customPricing({ coreHour, memoryGiBHour, gpuHour, volumeGiBMonth }: NodePrices): Record<string, unknown> {
  return {
    enabled: true,
    costModel: {
      CPU: coreHour,
      spotCPU: coreHour,
      RAM: memoryGiBHour,
      spotRAM: memoryGiBHour,
      GPU: gpuHour,
      storage: volumeGiBMonth / hoursOfMonth,
    },
  };
}
