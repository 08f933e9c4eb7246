import { digest } from '../exemplar.ts';
import { mutantsOf, set } from '../mutant.ts';

const container = 'spec.template.spec.containers[0]';
const image = `${container}.image`;

export const workloadFaults = [
  ...mutantsOf('images-by-digest', [
    ['a service runs by tag', set('scoring', { [image]: 'registry.example/scoring:1.2' }), `scoring ${image}`],
    [
      'an image has a digest and is tagged latest',
      set('scoring', { [image]: `registry.example/scoring:latest@${digest}` }),
      `scoring ${image}`,
    ],
    [
      'a digest is cut short',
      set('clickhouse-server', { [image]: 'clickhouse@sha256:abc' }),
      `clickhouse-server ${image}`,
    ],
    [
      'a job runs by tag',
      set('clickhouse-backup', { 'spec.jobTemplate.spec.template.spec.containers[0].image': 'busybox' }),
      'clickhouse-backup spec.jobTemplate.spec.template.spec.containers[0].image',
    ],
  ]),
  ...mutantsOf('drains-not-blocked', [
    [
      'a budget spares no pod',
      set('scoring-budget', { spec: { maxUnavailable: 0 } }),
      'scoring-budget spec.maxUnavailable',
    ],
    [
      'a budget spares none of a hundred',
      set('scoring-budget', { spec: { maxUnavailable: '0%' } }),
      'scoring-budget spec.maxUnavailable',
    ],
    ['all must stay', set('scoring-budget', { 'spec.minAvailable': '100%' }), 'scoring-budget spec.minAvailable'],
    ['both of two must stay', set('scoring-budget', { 'spec.minAvailable': 2 }), 'scoring-budget spec.minAvailable'],
  ]),
  ...mutantsOf('pods-restricted', [
    [
      'a container may be root',
      set('scoring', { 'spec.template.spec.securityContext.runAsNonRoot': undefined }),
      `scoring ${container}.securityContext.runAsNonRoot`,
    ],
    [
      'a container is root',
      set('scoring', { 'spec.template.spec.securityContext.runAsUser': 0 }),
      `scoring ${container}.securityContext.runAsNonRoot`,
    ],
    [
      'a container owns the node',
      set('scoring', { [`${container}.securityContext.privileged`]: true }),
      `scoring ${container}.securityContext.privileged`,
    ],
    [
      'a container may become more',
      set('scoring', { [`${container}.securityContext.allowPrivilegeEscalation`]: undefined }),
      `scoring ${container}.securityContext.allowPrivilegeEscalation`,
    ],
    [
      'a container may write its own program',
      set('clickhouse-server', { [`${container}.securityContext.readOnlyRootFilesystem`]: false }),
      `clickhouse-server ${container}.securityContext.readOnlyRootFilesystem`,
    ],
    [
      'capabilities are kept',
      set('scoring', { [`${container}.securityContext.capabilities`]: { drop: ['NET_RAW'] } }),
      `scoring ${container}.securityContext.capabilities.drop`,
    ],
    [
      'system calls are not filtered',
      set('scoring', { 'spec.template.spec.securityContext.seccompProfile': undefined }),
      'scoring spec.template.spec.securityContext.seccompProfile.type',
    ],
    [
      'a token is handed out',
      set('scoring', { 'spec.template.spec.automountServiceAccountToken': undefined }),
      'scoring spec.template.spec.automountServiceAccountToken',
    ],
    [
      'the node’s network is shared',
      set('scoring', { 'spec.template.spec.hostNetwork': true }),
      'scoring spec.template.spec.hostNetwork',
    ],
    [
      'the node’s files are open',
      set('scoring', { 'spec.template.spec.volumes': [{ name: 'host', hostPath: { path: '/' } }] }),
      'scoring spec.template.spec.volumes[0].hostPath',
    ],
  ]),
  ...mutantsOf('pods-bounded', [
    [
      'memory has no end',
      set('scoring', { [`${container}.resources.limits`]: {} }),
      `scoring ${container}.resources.limits.memory`,
    ],
    [
      'cores are not asked for',
      set('scoring', { [`${container}.resources.requests.cpu`]: undefined }),
      `scoring ${container}.resources.requests.cpu`,
    ],
    [
      'nobody asks whether it is ready',
      set('scoring', { [`${container}.readinessProbe`]: undefined }),
      `scoring ${container}.readinessProbe`,
    ],
    [
      'nobody asks whether it lives',
      set('clickhouse-server', { [`${container}.livenessProbe`]: undefined }),
      `clickhouse-server ${container}.livenessProbe`,
    ],
    [
      'a GPU is requested and not given',
      set('clickhouse-server', {
        [`${container}.resources.requests`]: { cpu: '1', memory: '1Gi', 'nvidia.com/gpu': '1' },
      }),
      `clickhouse-server ${container}.resources.limits.nvidia.com/gpu`,
    ],
  ]),
  ...mutantsOf('namespaces-closed', [
    [
      'everybody reaches everybody',
      { remove: 'deny' },
      'namespace networkPolicy.Ingress',
      'namespace networkPolicy.Egress',
    ],
    [
      'only what comes in is denied',
      set('deny', { 'spec.policyTypes': ['Ingress'] }),
      'namespace networkPolicy.Egress',
    ],
    [
      'pods may ask for the node',
      set('namespace', { 'metadata.labels': { 'pod-security.kubernetes.io/enforce': 'privileged' } }),
      'namespace metadata.labels.pod-security.kubernetes.io/enforce',
    ],
    [
      'nobody says what pods may ask for',
      set('namespace', { 'metadata.labels': undefined }),
      'namespace metadata.labels.pod-security.kubernetes.io/enforce',
    ],
  ]),
  ...mutantsOf('workers-fit-partitions', [
    [
      'a worker more than there are partitions',
      set('arrived', { 'spec.partitions': 3 }),
      'inference-scaler spec.maxReplicaCount',
    ],
    [
      'a lost broker scales all away',
      set('inference-scaler', { 'spec.fallback': undefined }),
      'inference-scaler spec.fallback.failureThreshold',
      'inference-scaler spec.fallback.replicas',
    ],
  ]),
];
