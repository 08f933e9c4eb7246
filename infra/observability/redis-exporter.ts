import * as kubernetes from '@pulumi/kubernetes';
import {
  all,
  ComponentResource,
  jsonStringify,
  type ComponentResourceOptions,
  type Input,
  type Output,
} from '@pulumi/pulumi';
import { allowCidrs, anywhere, planNetworkPolicy } from '../planning/platform/network-policy.ts';
import { restrictedContainer, restrictedPod } from '../planning/pod-security.ts';
import { metricsPortName, redisRoleLabel } from '../planning/observability/scrapes.ts';
import { imageReference } from '../planning/versions.ts';

export interface RedisExporterArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** Which of the two it measures. */
  readonly role: 'state' | 'cache';
  /** `redis://` or `rediss://` with host and port. */
  readonly url: Input<string>;
  /** The password that Redis asks for; a secret. */
  readonly password: Input<string>;
  /** Labels of the nodes that it runs on. Default: any node. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
}

const exporterPort = 9121;
const redisPort = 6379;
const exporterUser = 59_000;
const secretFolder = '/run/orrery';
const passwordsFile = 'passwords.json';

/**
 * Asks one Redis for its figures and tells Prometheus: the same names for a managed group as for a pod, with its role as a label.
 * Cost driver: 32 MiB of a node.
 * Refuses nothing.
 */
export class RedisExporter extends ComponentResource {
  constructor(name: string, args: RedisExporterArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:RedisExporter', name, {}, options);
    const { namespace } = args;
    const selector = {
      'app.kubernetes.io/name': 'redis-exporter',
      'app.kubernetes.io/part-of': 'orrery',
      [redisRoleLabel]: args.role,
    };
    const secret = new kubernetes.core.v1.Secret(
      `${name}-secret`,
      { metadata: { namespace, labels: selector }, stringData: { [passwordsFile]: passwordsOf(args) } },
      { parent: this },
    );
    new kubernetes.apps.v1.Deployment(
      `${name}-deployment`,
      {
        metadata: { namespace, labels: selector },
        spec: {
          replicas: 1,
          selector: { matchLabels: selector },
          template: {
            metadata: { labels: selector },
            spec: {
              automountServiceAccountToken: false,
              securityContext: restrictedPod(exporterUser),
              ...(args.nodeSelector === undefined ? {} : { nodeSelector: args.nodeSelector }),
              containers: [
                {
                  name: 'exporter',
                  image: imageReference('redis-exporter'),
                  env: [
                    { name: 'REDIS_ADDR', value: args.url },
                    { name: 'REDIS_PASSWORD_FILE', value: `${secretFolder}/${passwordsFile}` },
                  ],
                  ports: [{ name: metricsPortName, containerPort: exporterPort }],
                  resources: {
                    requests: { cpu: '25m', memory: '32Mi', 'ephemeral-storage': '16Mi' },
                    limits: { cpu: '100m', memory: '32Mi', 'ephemeral-storage': '64Mi' },
                  },
                  securityContext: restrictedContainer(),
                  livenessProbe: { httpGet: { path: '/health', port: metricsPortName }, periodSeconds: 15 },
                  readinessProbe: { tcpSocket: { port: metricsPortName }, periodSeconds: 10 },
                  volumeMounts: [{ name: 'secret', mountPath: secretFolder, readOnly: true }],
                },
              ],
              volumes: [{ name: 'secret', secret: { secretName: secret.metadata.name, defaultMode: 0o440 } }],
            },
          },
        },
      },
      { parent: this },
    );
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-network`,
      {
        metadata: { namespace },
        // A managed group has addresses of the network, not a label: its password and its security group say who may ask.
        spec: planNetworkPolicy([allowCidrs({ to: [anywhere], ports: [redisPort] })], selector),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** The exporter's own form: it looks a password up by the address that it was told. */
function passwordsOf({ url, password }: RedisExporterArgs): Output<string> {
  return jsonStringify(all([url, password]).apply(([address, word]) => ({ [address]: word })));
}
