import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import { planAlerts, type AlertsRequest } from '../planning/observability/alerts.ts';

export interface AlertsArgs extends AlertsRequest {
  /** Where the rules stand. */
  readonly rulesNamespace: Input<string>;
  /** What has to stand first: the definition of PrometheusRule. */
  readonly after: readonly Resource[];
}

/**
 * What is told to people, as one PrometheusRule a subject; each alert names its runbook.
 * Cost driver: none.
 * Refuses: runbooks at no https address.
 */
export class Alerts extends ComponentResource {
  constructor(name: string, args: AlertsArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:Alerts', name, {}, options);
    for (const group of planAlerts(args)) {
      new kubernetes.apiextensions.CustomResource(
        `${name}-${group.name}`,
        {
          apiVersion: 'monitoring.coreos.com/v1',
          kind: 'PrometheusRule',
          metadata: { namespace: args.rulesNamespace },
          spec: { groups: [group] },
        },
        { parent: this, dependsOn: [...args.after] },
      );
    }
    this.registerOutputs({});
  }
}
