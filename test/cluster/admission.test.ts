import assert from 'node:assert/strict';
import { admissionRules } from '#policies/admission/rules.ts';
import type { AdmissionRule } from '#policies/admission/admission-rule.ts';
import { execute } from '#stacks/setup/execution.ts';
import { eventually } from '#test/support/eventually.ts';

const namespace = 'orrery-admission-test';
const label = { 'orrery.dev/admission-test': 'true' };
const digest = `sha256:${'a'.repeat(64)}`;
const commandTimeoutMs = 60_000;

type Fields = Readonly<Record<string, unknown>>;

const container: Fields = {
  name: 'main',
  image: `registry.example/main@${digest}`,
  livenessProbe: { exec: { command: ['true'] } },
  readinessProbe: { exec: { command: ['true'] } },
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi' } },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
};

function pod(spec: Fields = {}, containers: readonly Fields[] = [container]): Fields {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'planted', namespace },
    spec: { automountServiceAccountToken: false, securityContext: { runAsNonRoot: true }, containers, ...spec },
  };
}

function withContainer(change: Fields): Fields {
  return pod({}, [{ ...container, ...change }]);
}

function withContext(change: Fields): Fields {
  return withContainer({ securityContext: { ...(container['securityContext'] as Fields), ...change } });
}

function withGpus(requests: Fields, limits: Fields, spec: Fields = {}): Fields {
  const resources = { requests: { cpu: '1', memory: '1Gi', ...requests }, limits: { memory: '1Gi', ...limits } };
  return pod(spec, [{ ...container, resources }]);
}

function service(spec: Fields): Fields {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'planted', namespace },
    spec: { ports: [{ port: 80 }], ...spec },
  };
}

function budget(spec: Fields): Fields {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'planted', namespace },
    spec: { selector: { matchLabels: { app: 'planted' } }, ...spec },
  };
}

const gpu = 'nvidia.com/gpu';
const tolerates = { tolerations: [{ key: gpu, operator: 'Exists', effect: 'NoSchedule' }] };

const good: readonly (readonly [what: string, object: Fields])[] = [
  ['a restricted pod', pod()],
  [
    'a pod that ends by itself, without probes',
    pod({ restartPolicy: 'Never' }, [{ ...container, livenessProbe: undefined }]),
  ],
  ['a pod with one GPU', withGpus({}, { [gpu]: '1' }, tolerates)],
  ['a pod that names its GPU twice', withGpus({ [gpu]: '1' }, { [gpu]: '1' }, tolerates)],
  ['a load balancer for one range', service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['203.0.113.0/24'] })],
  ['a Service inside', service({})],
  ['a budget that lets one go', budget({ maxUnavailable: 1 })],
];

const bad: readonly (readonly [policy: string, fault: string, object: Fields])[] = [
  ['images-by-digest', 'an image by tag', withContainer({ image: 'registry.example/main:1.2' })],
  [
    'images-by-digest',
    'a first container by tag',
    pod({
      initContainers: [
        { ...container, name: 'first', image: 'busybox', livenessProbe: undefined, readinessProbe: undefined },
      ],
    }),
  ],
  ['pods-bounded', 'no requests', withContainer({ resources: { limits: { memory: '1Gi' } } })],
  ['pods-bounded', 'no limit of memory', withContainer({ resources: { requests: { cpu: '1', memory: '1Gi' } } })],
  ['pods-probed', 'no probe that tells ready', withContainer({ readinessProbe: undefined })],
  ['pods-probed', 'no probe that tells alive', withContainer({ livenessProbe: undefined })],
  ['pods-restricted', 'a privileged container', withContext({ privileged: true, allowPrivilegeEscalation: true })],
  ['pods-restricted', 'a container that may become more', withContext({ allowPrivilegeEscalation: undefined })],
  ['pods-restricted', 'a container that may be root', pod({ securityContext: {} })],
  ['pods-restricted', 'a container that writes its own program', withContext({ readOnlyRootFilesystem: false })],
  ['pods-restricted', 'capabilities', withContext({ capabilities: { drop: ['NET_RAW'] } })],
  ['pods-restricted', 'the node’s network', pod({ hostNetwork: true })],
  ['pods-restricted', 'the node’s files', pod({ volumes: [{ name: 'host', hostPath: { path: '/' } }] })],
  ['tokens-not-mounted', 'a token for everybody', pod({ automountServiceAccountToken: undefined })],
  ['tokens-not-mounted', 'a token on demand', pod({ automountServiceAccountToken: true })],
  ['gpus-requested-whole', 'a pod without a GPU among GPUs', pod(tolerates)],
  [
    'gpus-requested-whole',
    'a pod without a GPU, that ends by itself, among GPUs',
    pod({ ...tolerates, restartPolicy: 'Never' }),
  ],
  ['load-balancers-listed', 'a load balancer for everybody', service({ type: 'LoadBalancer' })],
  [
    'load-balancers-listed',
    'a list that holds everybody',
    service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['0.0.0.0/0'] }),
  ],
  ['no-node-ports', 'a port of every node', service({ type: 'NodePort' })],
  ['no-node-ports', 'an address of somebody else', service({ externalIPs: ['203.0.113.7'] })],
  ['drains-not-blocked', 'a budget that spares none', budget({ maxUnavailable: 0 })],
  ['drains-not-blocked', 'a budget that keeps all', budget({ minAvailable: '100%' })],
];

/** Of this test alone, in a namespace of its own: the cluster's policies, if it has any, stay as they are. */
function objectsOf({ name, message, match, expression, variables = [] }: AdmissionRule): Fields[] {
  const { apiGroups, apiVersions, resources, operations } = match;
  const metadata = { name: `test-${name}`, labels: label };
  const [group, kind] = ['admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy'];
  return [
    {
      apiVersion: group,
      kind,
      metadata,
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { resourceRules: [{ apiGroups, apiVersions, resources, operations }] },
        variables,
        validations: [{ expression, message }],
      },
    },
    {
      apiVersion: group,
      kind: `${kind}Binding`,
      metadata,
      spec: {
        policyName: `test-${name}`,
        validationActions: ['Deny'],
        matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
      },
    },
  ];
}

describe('the rules at the cluster’s door', function () {
  this.timeout(5 * 60_000);

  before(async () => {
    const made = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: label } };
    await apply([made, ...admissionRules.flatMap(objectsOf)]);
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } };
    await apply([account]);
    // A policy is compiled and watched some time after it is made.
    const isThere = async () => {
      for (const [policy, fault, object] of bad) {
        const { output } = await dryRun(object);
        assert.ok(output.includes(`test-${policy}`), `${policy} is not there yet for ${fault}: ${output}`);
      }
      return true;
    };
    await eventually(isThere, { timeoutMs: 60_000, intervalMs: 500, what: 'every policy' });
  });

  after(async () => {
    await kubectl([
      'delete',
      'validatingadmissionpolicybindings,validatingadmissionpolicies',
      '-l',
      'orrery.dev/admission-test',
    ]);
    await kubectl(['delete', 'namespace', namespace, '--wait=false']);
  });

  for (const [what, object] of good) {
    it(`admit ${what}`, async () => {
      const { code, output } = await dryRun(object);
      assert.equal(code, 0, output);
    });
  }

  for (const [policy, fault, object] of bad) {
    it(`refuse, by ${policy}, ${fault}`, async () => {
      const { code, output } = await dryRun(object);
      assert.notEqual(code, 0);
      assert.ok(output.includes(`ValidatingAdmissionPolicy 'test-${policy}'`), output);
    });
  }

  it('are each planted a fault, twice at least', () => {
    for (const { name } of admissionRules) assert.ok(bad.filter(([policy]) => policy === name).length >= 2, name);
  });
});

async function apply(objects: readonly Fields[]): Promise<void> {
  const { code, output } = await kubectl(['apply', '--server-side', '-f', '-'], objects);
  assert.equal(code, 0, output);
}

/** What the API server would do, all of its admission included, without doing it. */
function dryRun(object: Fields) {
  return kubectl(['create', '--dry-run=server', '-f', '-'], [object]);
}

function kubectl(words: readonly string[], objects: readonly Fields[] = []) {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  const script = 'printf %s "$OBJECTS" | kubectl "$@"';
  const env = { ...process.env, OBJECTS: input };
  return execute('sh', ['-c', script, 'kubectl', ...words], { env, timeoutMs: commandTimeoutMs });
}
