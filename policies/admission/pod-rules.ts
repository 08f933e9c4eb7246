import { containers, pods, type AdmissionRule } from './admission-rule.ts';

export const podRules: readonly AdmissionRule[] = [
  {
    name: 'images-by-digest',
    why: 'a tag can be moved: then what runs is not what was tested',
    message: 'name every image <repository>@sha256:<64 hex digits>',
    match: pods,
    variables: [containers],
    expression: "variables.containers.all(c, c.image.matches('^[^@]+@sha256:[0-9a-f]{64}$'))",
  },
  {
    name: 'pods-bounded',
    why: 'one pod takes its node’s memory and all its neighbours die',
    message: 'every container requests cpu and memory, and limits memory',
    match: pods,
    variables: [containers],
    expression: [
      'variables.containers.all(c, has(c.resources)',
      "has(c.resources.requests) && 'cpu' in c.resources.requests && 'memory' in c.resources.requests",
      "has(c.resources.limits) && 'memory' in c.resources.limits)",
    ].join(' && '),
  },
  {
    name: 'pods-probed',
    why: 'a pod that hangs is sent requests for ever',
    message: 'containers of a pod that is kept running have a livenessProbe and a readinessProbe',
    match: pods,
    // What ends by itself is asked nothing.
    expression: [
      "(has(object.spec.restartPolicy) && object.spec.restartPolicy != 'Always')",
      'object.spec.containers.all(c, has(c.livenessProbe) && has(c.readinessProbe))',
    ].join(' || '),
  },
  {
    name: 'pods-restricted',
    why: 'whoever breaks out of one container owns the node and every token on it',
    message:
      'no root, no privilege, no escalation, no capabilities, a read-only root file system, nothing of the node’s own',
    match: pods,
    variables: [
      containers,
      {
        name: 'nonRoot',
        expression:
          'has(object.spec.securityContext) && has(object.spec.securityContext.runAsNonRoot) && object.spec.securityContext.runAsNonRoot',
      },
    ],
    expression: [
      '!(has(object.spec.hostNetwork) && object.spec.hostNetwork)',
      '!(has(object.spec.hostPID) && object.spec.hostPID)',
      '!(has(object.spec.hostIPC) && object.spec.hostIPC)',
      '(!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath)))',
      `variables.containers.all(c, ${[
        'has(c.securityContext)',
        '!(has(c.securityContext.privileged) && c.securityContext.privileged)',
        'has(c.securityContext.allowPrivilegeEscalation) && !c.securityContext.allowPrivilegeEscalation',
        'has(c.securityContext.readOnlyRootFilesystem) && c.securityContext.readOnlyRootFilesystem',
        'has(c.securityContext.capabilities) && has(c.securityContext.capabilities.drop)',
        "'ALL' in c.securityContext.capabilities.drop",
        '(has(c.securityContext.runAsNonRoot) ? c.securityContext.runAsNonRoot : variables.nonRoot)',
        '!(has(c.securityContext.runAsUser) && c.securityContext.runAsUser == 0)',
      ].join(' && ')})`,
    ].join(' && '),
  },
  {
    name: 'tokens-not-mounted',
    why: 'a token that nobody needs lets whoever takes the pod ask Kubernetes for more',
    message:
      'automountServiceAccountToken: false, or the label orrery.dev/kubernetes-api: allowed on what a role is bound to',
    match: pods,
    expression: [
      '(has(object.spec.automountServiceAccountToken) && !object.spec.automountServiceAccountToken)',
      "(has(object.metadata.labels) && 'orrery.dev/kubernetes-api' in object.metadata.labels)",
    ].join(' || '),
  },
  {
    name: 'gpus-requested-whole',
    why: 'a pod without a GPU of its own on a machine with GPUs keeps the dearest machine for the cheapest work',
    message: 'whoever tolerates nvidia.com/gpu limits nvidia.com/gpu, and requests as many or says nothing',
    match: pods,
    variables: [containers],
    expression: [
      `variables.containers.all(c, !has(c.resources) || !has(c.resources.requests) || !('nvidia.com/gpu' in c.resources.requests) || (${[
        'has(c.resources.limits)',
        "'nvidia.com/gpu' in c.resources.limits",
        "quantity(string(c.resources.limits['nvidia.com/gpu'])).compareTo(quantity(string(c.resources.requests['nvidia.com/gpu']))) == 0",
      ].join(' && ')}))`,
      `(!has(object.spec.tolerations) || object.spec.tolerations.all(t, !has(t.key) || t.key != 'nvidia.com/gpu') || object.spec.containers.exists(c, ${[
        'has(c.resources)',
        'has(c.resources.limits)',
        "'nvidia.com/gpu' in c.resources.limits",
      ].join(' && ')}))`,
    ].join(' && '),
  },
];
