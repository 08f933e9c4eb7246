import * as kubernetes from '@pulumi/kubernetes';
import type { CustomResourceOptions, Input } from '@pulumi/pulumi';
import type { Transform } from '../planning/transform.ts';
import { charts, type ChartName } from '../planning/versions.ts';

/** The values of a chart, as its publisher documents them. */
export type ChartValues = Readonly<Record<string, unknown>>;

export interface ChartArgs {
  /** Which of the charts in infra/planning/versions.json. */
  readonly chart: ChartName;
  readonly namespace: Input<string>;
  /** The chart's values; image tags and replica counts that it leaves open included. */
  readonly values: ChartValues;
  /** Bends the values, where a user needs one that the component doesn't know. Default: as they are. */
  readonly transform?: Transform<ChartValues> | undefined;
}

const timeoutSeconds = 600;

/**
 * Somebody else's software at its pinned version: one release of Helm, judged by version, digest and values. Its custom resource
 * definitions come with a chart of their own or by the chart's own switch where there is one: Helm installs those in `crds/` once, and
 * never upgrades them.
 */
export function createChart(name: string, args: ChartArgs, options: CustomResourceOptions): kubernetes.helm.v3.Release {
  const pinned = charts[args.chart];
  const isOci = pinned.repository.startsWith('oci://');
  return new kubernetes.helm.v3.Release(
    name,
    {
      name: args.chart,
      chart: isOci ? pinned.repository : pinned.chart,
      version: pinned.version,
      ...(isOci ? {} : { repositoryOpts: { repo: pinned.repository } }),
      namespace: args.namespace,
      values: { ...(args.transform?.(args.values) ?? args.values) },
      cleanupOnFail: true,
      maxHistory: 3,
      timeout: timeoutSeconds,
    },
    options,
  );
}
