import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';
import { planDashboards, type DashboardsRequest } from '../planning/observability/dashboard-catalogue.ts';
import { dashboardJson } from '../planning/observability/dashboards.ts';
import { metricsNames } from '../planning/observability/metrics.ts';

export interface DashboardsArgs extends DashboardsRequest {
  /** Where Grafana runs: it looks for dashboards in its own namespace. */
  readonly grafanaNamespace: Input<string>;
}

/**
 * What Grafana shows, one ConfigMap a dashboard.
 * Cost driver: none.
 * Refuses nothing; what somebody draws by hand in Grafana is gone with its pod.
 */
export class Dashboards extends ComponentResource {
  constructor(name: string, args: DashboardsArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:Dashboards', name, {}, options);
    for (const dashboard of planDashboards(args)) {
      new kubernetes.core.v1.ConfigMap(
        `${name}-${dashboard.uid.replace(/^orrery-/, '')}`,
        {
          metadata: { namespace: args.grafanaNamespace, labels: { [metricsNames.dashboardLabel]: '1' } },
          data: { [`${dashboard.uid}.json`]: dashboardJson(dashboard) },
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
