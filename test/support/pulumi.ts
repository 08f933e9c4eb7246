import { runtime, secret } from '@pulumi/pulumi';
import {
  MockMonitor,
  type MockCallArgs,
  type MockResourceArgs,
  type MockResourceResult,
} from '@pulumi/pulumi/runtime/mocks.js';
import { disconnect, getMonitor } from '@pulumi/pulumi/runtime/settings.js';

/** One resource as the program asked for it: what an engine would have been told, with every secret replaced by `[secret]`. */
export interface RecordedResource {
  readonly type: string;
  readonly name: string;
  /** Name of the parent; undefined for one that hangs off the stack. */
  readonly parent: string | undefined;
  readonly inputs: Record<string, unknown>;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** Names of the providers that it was given explicitly, by package; empty for the engine's default. */
  readonly providers: readonly string[];
  /** Names of what it depends on, sorted; a component stands for its children. */
  readonly dependencies: readonly string[];
  /** True for one that a provider makes, false for a component of ours. */
  readonly custom: boolean;
}

export interface Recording<T> {
  readonly result: T;
  /** Sorted by name. */
  readonly resources: readonly RecordedResource[];
  /** Names of the components that registered their outputs. */
  readonly completed: ReadonlySet<string>;
}

export interface RecordOptions {
  /** Default `dev`. */
  readonly stack?: string;
  /** Pulumi's configuration, `orrery:<key>` to text. Default empty. */
  readonly config?: Record<string, string>;
  /** Default false. */
  readonly preview?: boolean;
}

/** What every generated password is under the recorder; a test that finds it in the clear has found a leak. */
export const generatedSecret = 'generated-under-the-recorder';

const signatureKey = '4dabf18193072939515e22adb298388d';
const secretSignature = '1b47061264138c4ac30d75fd1eb44270';

/**
 * Runs a Pulumi program without engine and cloud, and returns what it asked for. Unlike Pulumi's own mocks it also records protect,
 * retainOnDelete, providers and dependencies, and it waits until the last resource has been registered.
 */
export async function record<T>(program: () => T | Promise<T>, options: RecordOptions = {}): Promise<Recording<T>> {
  const mocks = { newResource: answer, call: refuseCall };
  await runtime.setMocks(mocks, 'orrery', options.stack ?? 'dev', options.preview ?? false);
  const monitor = getMonitor();
  if (!(monitor instanceof MockMonitor)) throw new Error('Pulumi installed no mock monitor');
  const { resources, completed } = listen(monitor);
  runtime.setAllConfig(options.config ?? {});
  try {
    const result = await program();
    // What an apply makes comes after the program's end.
    await disconnect();
    return { result, resources: resources.toSorted(byNameThenType), completed };
  } finally {
    await disconnect();
    runtime.setAllConfig({});
  }
}

/** The only resource of a name. Throws, naming those of like name, when there is none. */
export function resourceNamed(recording: Pick<Recording<unknown>, 'resources'>, name: string): RecordedResource {
  const found = recording.resources.filter((resource) => resource.name === name);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const stem = name.split('-')[0] ?? name;
  const like = recording.resources
    .filter((resource) => resource.name.startsWith(stem))
    .map((resource) => resource.name);
  throw new Error(`${found.length} resources are named ${name}; near it: ${like.join(', ')}`);
}

export function resourcesOfType(recording: Pick<Recording<unknown>, 'resources'>, type: string): RecordedResource[] {
  return recording.resources.filter((resource) => resource.type === type);
}

/** `type name < parent`, one line a resource: the shape of a graph, for comparing with one that is written by hand. */
export function outline(recording: Pick<Recording<unknown>, 'resources'>): string[] {
  return recording.resources.map(
    ({ type, name, parent }) => `${type} ${name}${parent === undefined ? '' : ` < ${parent}`}`,
  );
}

/** Fields of a RegisterResourceRequest that the recorder reads; Pulumi types the request as `any`. */
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getProvider(): string;
  getProvidersMap(): { toObject(): [string, string][] };
  getDependenciesList(): string[];
  getObject(): { toJavaScript(): Record<string, unknown> } | undefined;
}

/** Listens to what the program tells Pulumi's own mock monitor, which keeps too little of it. */
function listen(monitor: MockMonitor) {
  const resources: RecordedResource[] = [];
  const completed = new Set<string>();
  const registerResource = monitor.registerResource.bind(monitor);
  const registerResourceOutputs = monitor.registerResourceOutputs.bind(monitor);
  monitor.registerResource = async (request: RegisterRequest, callback) => {
    resources.push(describe(request));
    await registerResource(request, callback);
  };
  monitor.registerResourceOutputs = (request: { getUrn(): string }, callback) => {
    completed.add(nameOf(request.getUrn()));
    registerResourceOutputs(request, callback);
  };
  return { resources, completed };
}

function describe(request: RegisterRequest): RecordedResource {
  const parent = request.getParent();
  const own = request.getProvider();
  const passed = request.getProvidersMap().toObject();
  return {
    type: request.getType(),
    name: request.getName(),
    parent: parent === '' ? undefined : nameOf(parent),
    inputs: conceal(request.getObject()?.toJavaScript() ?? {}) as Record<string, unknown>,
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    providers: [...new Set([own, ...passed.map(([, reference]) => reference)])]
      .filter((one) => one !== '')
      .map(providerName),
    dependencies: [...new Set(request.getDependenciesList().map(nameOf))].sort(),
    custom: request.getCustom(),
  };
}

function byNameThenType(left: RecordedResource, right: RecordedResource): number {
  const key = ({ name, type }: RecordedResource) => `${name} ${type}`;
  return key(left) < key(right) ? -1 : 1;
}

/** A composition that asked the cloud could not be rendered without one, nor twice with the same result. */
function refuseCall({ token }: MockCallArgs): never {
  throw new Error(`the program asked the cloud: ${token}; pass the value as an argument`);
}

/** A provider is referred to as `urn::id`. */
function providerName(reference: string): string {
  return nameOf(reference.slice(0, reference.lastIndexOf('::')));
}

function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf('::') + 2);
}

function conceal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(conceal);
  if (typeof value !== 'object' || value === null) return value;
  const map = value as Record<string, unknown>;
  if (map[signatureKey] === secretSignature) return '[secret]';
  return Object.fromEntries(Object.entries(map).map(([key, item]) => [key, conceal(item)]));
}

/** What a provider would add to the inputs: identities that are unique to a resource, and the outputs that others read. */
function answer({ type, name, inputs }: MockResourceArgs): MockResourceResult {
  const given = inputs as Record<string, unknown>;
  return { id: `${name}-id`, state: { arn: `arn:aws:mock:::${name}`, ...given, ...outputsOf(type, name, given) } };
}

function outputsOf(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  if (type.startsWith('kubernetes:')) return { metadata: { name, ...(inputs['metadata'] as object | undefined) } };
  switch (type) {
    case 'random:index/randomPassword:RandomPassword':
      return { result: secret(generatedSecret) };
    case 'eks:index:Cluster':
      return {
        kubeconfigJson: '{}',
        eksCluster: {
          name: inputs['name'],
          arn: `arn:aws:eks:::cluster/${name}`,
          version: inputs['version'],
          vpcConfig: { clusterSecurityGroupId: `${name}-nodes` },
        },
      };
    case 'aws:elasticache/replicationGroup:ReplicationGroup':
      return { primaryEndpointAddress: `${name}.cache.example` };
    case 'aws:ec2/launchTemplate:LaunchTemplate':
      return { latestVersion: 1 };
    case 'aws:ec2/eip:Eip':
      return { allocationId: `${name}-allocation` };
    case 'aws:s3/bucket:Bucket':
      return { bucket: `${name}-physical` };
    case 'aws:eks/nodeGroup:NodeGroup':
    case 'aws:elasticache/subnetGroup:SubnetGroup':
    case 'aws:elasticache/parameterGroup:ParameterGroup':
    case 'aws:iam/role:Role':
      return { name: `${name}-physical`, nodeGroupName: `${name}-physical` };
    default:
      return {};
  }
}
