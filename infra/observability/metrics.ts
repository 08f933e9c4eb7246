import * as kubernetes from '@pulumi/kubernetes';
import * as random from '@pulumi/random';
import {
  ComponentResource,
  interpolate,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import { allow } from '../planning/iam.ts';
import { metricsNames, planMetrics, type MetricsSize } from '../planning/observability/metrics.ts';
import {
  planClickHouseMonitor,
  planDataMonitor,
  planGatewayMonitor,
  planKafkaMonitor,
  planOperatorMonitor,
  planServiceMonitor,
} from '../planning/observability/scrapes.ts';
import { stateful } from '../planning/stateful.ts';
import type { Transform } from '../planning/transform.ts';
import { createChart } from '../platform/chart.ts';
import { createPodIdentity } from '../security/pod-identity.ts';

/** The topic that alerts are sent to; Pod Identity lets Alertmanager, and nobody else of the cluster, publish there. */
export interface AlertTopic {
  readonly arn: Input<string>;
  /** Key that the topic is encrypted with. */
  readonly keyArn: Input<string>;
  readonly region: string;
  readonly clusterName: Input<string>;
}

export interface MetricsArgs extends MetricsSize {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** A namespace that admits pods that read their node: Pod Security `privileged`. */
  readonly nodesNamespace: Input<string>;
  /** Where the services are, which it scrapes. */
  readonly servicesNamespace: Input<string>;
  /** Of operators: certificates, nodes. */
  readonly systemNamespace: Input<string>;
  /** Namespace of Envoy's pods, where they are the gateway: they count requests. Default: not asked. */
  readonly gatewayNamespace?: Input<string>;
  /** Labels of the nodes that it runs on. Default: any node. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Class of the volumes. Default: the cluster's default. */
  readonly storageClass?: Input<string>;
  /** Default: alerts are sent nowhere; they stand in Alertmanager and Grafana. */
  readonly alertTopic?: AlertTopic;
  /** What has to stand first: nodes, volumes. */
  readonly after: readonly Resource[];
  /** `stack`: the values of the chart, where a user needs one that no argument names. */
  readonly transform?: { readonly stack?: Transform<Record<string, unknown>> };
}

const monitoring = 'monitoring.coreos.com/v1';

/**
 * Prometheus, Alertmanager and Grafana by the chart kube-prometheus-stack, and the monitors by which they find our services and data.
 * Cost driver: Prometheus' memory, which follows the number of series, and its volume.
 * Refuses: sizes by which Prometheus would fill its volume. One Prometheus: while it moves to another node, nothing is measured.
 */
export class Metrics extends ComponentResource {
  /** Where Prometheus answers in the cluster. */
  readonly prometheusUrl: Output<string>;
  /** What has to stand before a monitor or a rule can be made. */
  readonly definitions: Resource;
  /** The Secret that opens Grafana: `admin-user`, `admin-password`. */
  readonly grafanaSecretName: Output<string>;

  constructor(name: string, args: MetricsArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:Metrics', name, {}, options);
    const { namespace } = args;
    this.definitions = createChart(
      `${name}-definitions`,
      { chart: 'prometheus-operator-crds', namespace, values: {} },
      { parent: this },
    );
    this.grafanaSecretName = this.#createGrafanaSecret(name, namespace);
    const { alertTopic } = args;
    const values = planMetrics({
      ...args,
      grafanaSecretName: this.grafanaSecretName,
      ...(alertTopic === undefined ? {} : { alertTopic }),
    });
    const stack = createChart(
      `${name}-stack`,
      { chart: 'kube-prometheus-stack', namespace, values: args.transform?.stack?.(values) ?? values },
      {
        parent: this,
        dependsOn: [this.definitions, ...args.after, ...this.#createIdentity(name, args)],
      },
    );
    this.#createMonitors(name, args);
    this.prometheusUrl = interpolate`http://${metricsNames.prometheus}.${stack.namespace}.svc:${metricsNames.prometheusPort}`;
    this.registerOutputs({ prometheusUrl: this.prometheusUrl, grafanaSecretName: this.grafanaSecretName });
  }

  #createGrafanaSecret(name: string, namespace: Input<string>): Output<string> {
    // Both are made: whatever stands in a Secret may not stand in the program, not even a name that everyone knows.
    const user = new random.RandomString(`${name}-grafana-user`, { length: 12, special: false }, { parent: this });
    const password = new random.RandomPassword(
      `${name}-grafana-password`,
      { length: 32, special: false },
      stateful({ parent: this }),
    );
    const secret = new kubernetes.core.v1.Secret(
      `${name}-grafana-secret`,
      { metadata: { namespace }, stringData: { 'admin-user': user.result, 'admin-password': password.result } },
      { parent: this },
    );
    return secret.metadata.name;
  }

  #createIdentity(name: string, { namespace, alertTopic }: MetricsArgs): readonly Resource[] {
    if (alertTopic === undefined) return [];
    const { arn, keyArn, clusterName } = alertTopic;
    const policy = allow(
      { actions: ['sns:Publish'], resources: [arn] },
      { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [keyArn] },
    );
    const serviceAccount = metricsNames.alertmanagerAccount;
    return createPodIdentity(this, `${name}-alertmanager`, { clusterName, namespace, serviceAccount, policy }).ready;
  }

  #createMonitors(name: string, args: MetricsArgs): void {
    const { namespace, nodesNamespace, servicesNamespace, gatewayNamespace } = args;
    const monitor = (subject: string, kind: 'ServiceMonitor' | 'PodMonitor', spec: Record<string, unknown>): void => {
      new kubernetes.apiextensions.CustomResource(
        `${name}-${subject}`,
        { apiVersion: monitoring, kind, metadata: { namespace }, spec },
        { parent: this, dependsOn: [this.definitions] },
      );
    };
    monitor('services', 'ServiceMonitor', planServiceMonitor(servicesNamespace));
    monitor('data', 'PodMonitor', planDataMonitor([servicesNamespace, namespace, nodesNamespace]));
    monitor('clickhouse', 'PodMonitor', planClickHouseMonitor(servicesNamespace));
    monitor('operators', 'PodMonitor', planOperatorMonitor(args.systemNamespace));
    monitor('kafka', 'PodMonitor', planKafkaMonitor(servicesNamespace));
    if (gatewayNamespace !== undefined) monitor('gateway', 'PodMonitor', planGatewayMonitor(gatewayNamespace));
  }
}
