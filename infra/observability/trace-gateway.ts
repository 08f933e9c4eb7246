import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  interpolate,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import {
  planCollectorContainer,
  planCollectorVolumes,
  type TelemetryStore,
} from '../planning/observability/collector-pod.ts';
import { restrictedPod } from '../planning/pod-security.ts';
import { otlpGrpcPort, otlpHttpPort, planTraceGateway } from '../planning/observability/telemetry.ts';
import { imageReference } from '../planning/versions.ts';
import { createCollectorInputs } from './collector-inputs.ts';

export interface TraceGatewayArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** The ClickHouse into which traces are written, and the user who writes. */
  readonly store: TelemetryStore;
  /** Days that traces are kept. 1 to 400. */
  readonly days: number;
  /** Of the traces that neither failed nor were slow, how many of a hundred are kept. Above 0, at most 100. */
  readonly samplePercent: number;
  /** Memory in MiB, requested and limited alike: traces wait in it for their last span. Default 512. */
  readonly memoryMiB?: number;
  /** Labels of the nodes that it runs on. Default: any node. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** What has to stand before its pods can become ready: ClickHouse. Default nothing. */
  readonly after?: readonly Resource[];
}

const collectorUser = 10_001;

/**
 * Takes traces over OTLP, keeps those that failed or were slow and a share of the others, and writes them into our own ClickHouse.
 * Cost driver: its memory, and rows in ClickHouse times the days that they are kept.
 * Refuses: a share of nothing. It is one process, because a trace is judged as a whole: while it moves to another node, traces are lost.
 */
export class TraceGateway extends ComponentResource {
  /** Where services send traces, over gRPC. */
  readonly otlpUrl: Output<string>;
  /** The same over HTTP; `/v1/traces` is added by whoever sends. */
  readonly otlpHttpUrl: Output<string>;

  constructor(name: string, args: TraceGatewayArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:TraceGateway', name, {}, options);
    const labels = { 'app.kubernetes.io/name': 'trace-gateway', 'app.kubernetes.io/part-of': 'orrery' };
    const { namespace } = args;
    const service = new kubernetes.core.v1.Service(
      `${name}-service`,
      {
        // Services' configurations hold this name.
        metadata: { namespace, labels, name: 'trace-gateway' },
        spec: {
          type: 'ClusterIP',
          selector: labels,
          ports: [
            { name: 'otlp', port: otlpGrpcPort, targetPort: 'otlp' },
            { name: 'otlp-http', port: otlpHttpPort, targetPort: 'otlp-http' },
          ],
        },
      },
      { parent: this },
    );
    this.#createDeployment(name, args, labels);
    const host = interpolate`http://${service.metadata.name}.${namespace}.svc`;
    this.otlpUrl = interpolate`${host}:${otlpGrpcPort}`;
    this.otlpHttpUrl = interpolate`${host}:${otlpHttpPort}`;
    this.registerOutputs({ otlpUrl: this.otlpUrl, otlpHttpUrl: this.otlpHttpUrl });
  }

  #createDeployment(name: string, args: TraceGatewayArgs, labels: Record<string, string>): void {
    const { namespace, store } = args;
    const tables = store.cluster === undefined ? {} : { cluster: store.cluster };
    const config = planTraceGateway({ days: args.days, samplePercent: args.samplePercent, ...tables });
    const made = createCollectorInputs(this, name, { namespace, labels, config, password: store.password });
    new kubernetes.apps.v1.Deployment(
      `${name}-deployment`,
      {
        metadata: { namespace, labels },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          // Two gateways at a time would each judge half a trace.
          strategy: { type: 'Recreate' },
          template: {
            metadata: { labels },
            spec: {
              automountServiceAccountToken: false,
              securityContext: restrictedPod(collectorUser),
              ...(args.nodeSelector === undefined ? {} : { nodeSelector: args.nodeSelector }),
              terminationGracePeriodSeconds: 60,
              containers: [
                planCollectorContainer({
                  image: imageReference('opentelemetry-collector'),
                  store,
                  cpuMilli: 100,
                  memoryMiB: args.memoryMiB ?? 512,
                  ports: [
                    { name: 'otlp', containerPort: otlpGrpcPort },
                    { name: 'otlp-http', containerPort: otlpHttpPort },
                  ],
                  mounts: [],
                }),
              ],
              volumes: planCollectorVolumes(made),
            },
          },
        },
      },
      { parent: this, dependsOn: [...(args.after ?? [])] },
    );
  }
}
