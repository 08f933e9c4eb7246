import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import { gpuTaintKey } from '../planning/compute/pools.ts';
import { createChart } from '../platform/chart.ts';

export interface GpuMetricsArgs {
  /** A namespace that admits pods with rights: Pod Security `privileged`. */
  readonly namespace: Input<string>;
  /** Labels of the nodes with GPUs, for example `{ 'orrery.dev/pool': 'gpu' }`. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** What has to stand first: the definition of ServiceMonitor. */
  readonly after: readonly Resource[];
}

/**
 * NVIDIA's exporter on each node with GPUs: use, memory, temperature and faults of each, by the pod that has it.
 * Cost driver: 128 MiB of each GPU node.
 * Refuses nothing. It runs as root with one right, SYS_ADMIN, by which the driver tells profiling figures.
 */
export class GpuMetrics extends ComponentResource {
  constructor(name: string, args: GpuMetricsArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:GpuMetrics', name, {}, options);
    const { namespace, nodeSelector } = args;
    createChart(
      `${name}-exporter`,
      {
        chart: 'dcgm-exporter',
        namespace,
        values: {
          nodeSelector,
          tolerations: [{ key: gpuTaintKey, operator: 'Exists', effect: 'NoSchedule' }],
          serviceMonitor: { enabled: true, interval: '30s' },
          resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
        },
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.registerOutputs({});
  }
}
